"""Settings of training runs."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ostiary.server.settings.base import Section

Mib = Annotated[int, Field(ge=1, le=16_777_216)]


class TrainingSection(Section):
    """Training runs: how much of the machine each may use, and how much it may send out."""

    memory_mib: Mib = 4096
    """Memory of a run; of each of its processes where no control group can be had."""
    processes: Annotated[int, Field(ge=8, le=1_000_000)] = 1024
    """Processes and threads of a run at one time."""
    cpus: Annotated[float, Field(ge=0, le=4096)] = 0.0
    """Processors' worth of time, held by a control group only; 0 leaves it to the machine."""
    wall_s: Annotated[int, Field(ge=1, le=2_592_000)] = 3600
    """How long a run may take."""
    open_files: Annotated[int, Field(ge=64, le=1_048_576)] = 4096
    """Open files of one process."""
    tmp_mib: Mib = 1024
    """Size of `/tmp`, in memory."""
    shared_mib: Mib = 256
    """Size of `/dev/shm`, in memory."""
    outputs_mib: Mib = 1024
    """Size of `/outputs`, in memory, and of everything that a run leaves."""
    output_files: Annotated[int, Field(ge=1, le=100_000)] = 256
    """How many files and folders a run may leave."""
    said_mib: Mib = 1
    """How much of what a run prints is kept."""
    send_mib: Annotated[int, Field(ge=0, le=1_048_576)] = 64
    """How much a run may send out in all, through its egress proxy."""
    connections: Annotated[int, Field(ge=1, le=1_000_000)] = 4096
    """How many connections a run may open in all."""
    connections_at_once: Annotated[int, Field(ge=1, le=1024)] = 64
    """How many at one time."""
    idle_s: Annotated[int, Field(ge=1, le=86_400)] = 120
    """A connection on which nothing moves for so long is closed."""
    cgroup: Path | None = None
    """A folder of control groups (version 2) that was delegated to Ostiary; none takes its own where it can."""
    staging: Path | None = None
    """Where code and data of a run are written for its time; none takes the system's temporary folder."""
    bubblewrap: Path | None = None
    """Where bubblewrap is; none looks in `/usr/bin` and `/usr/local/bin`."""
    builder: str = ""
    """Name of this runner in provenance (`builder.id`), a URI; empty takes the server's public address."""
