"""Settings of the door to datasets."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from ostiary.server.settings.base import Section

Endpoint = Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.\-\[\]:]{1,255}$")]


class DatasetsSection(Section):
    """Datasets: where they may lie, where the secrets of stores are kept, and how much is read and taken in."""

    roots: tuple[Path, ...] = ()
    """Folders of this machine in which datasets (`file:///…`) may lie; without one, none lies here."""
    endpoints: tuple[Endpoint, ...] = ()
    """Servers that speak a store's protocol, beside the clouds' own, as `https://host:port`. A dataset's `endpoint`
    must be one of them to the letter. `http://` is spoken only where it is written here."""
    credentials: Path | None = None
    """Folder of private files (0600) that a dataset's `credentials = "file:NAME"` may name."""
    memory: bool = False
    """Whether datasets may lie in the server's memory (`memory:///name`); for tests."""
    spool: Path | None = None
    """Folder for what comes in until its digest is right; empty takes `spool` in the data directory."""
    max_object_mb: Annotated[int, Field(ge=1, le=5_000_000)] = 10_240
    """How large an object that is taken in may be."""
    max_uploads: Annotated[int, Field(ge=1, le=1000)] = 16
    """How many objects may come in at once; each holds a file of the spool or of its folder until it is whole."""
    max_read_mb: Annotated[int, Field(ge=0, le=5_000_000)] = 0
    """How much may be read with one token that does not say so itself; 0 sets no bound."""
    stall_s: Annotated[float, Field(gt=0, le=600)] = 30.0
    """How long a caller may take nothing of what it reads, or send nothing of what it writes."""

    @field_validator("roots")
    @classmethod
    def _roots_are_whole_paths(cls, roots: tuple[Path, ...]) -> tuple[Path, ...]:
        if not all(root.is_absolute() and root != Path("/") for root in roots):
            msg = "a root is an absolute path, and not the whole machine"
            raise ValueError(msg)
        return roots
