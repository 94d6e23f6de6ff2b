"""What the verbs of ``ostiary history`` share: where the work is done, where a history lies, and its key."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ostiary.cli.extras import need
from ostiary.keys import KeyRing
from ostiary.server.places import Places, data_dir
from ostiary.vocabulary.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostiary.server.history.shelf import Shelf

Place = Annotated[str, Parameter(help="Where the history lies: a folder, or s3://BUCKET/PREFIX.")]
Workers = Annotated[int, Parameter(help="Processes of this machine that share the work.")]
Scheduler = Annotated[str, Parameter(help="A Dask scheduler that shares it instead: tls://HOST:PORT.")]
OpenScheduler = Annotated[
    bool,
    Parameter(
        negative="",
        help="Allow tcp:// to another machine: whoever reaches such a scheduler runs code on all of its workers.",
    ),
]


def ring_of(data: Path | None) -> KeyRing:
    """Return the keys of a data directory."""
    return KeyRing(Places(data_dir(data)).keys / "ring", SystemClock())


def shelf_of(place: str) -> "Shelf":
    """Return the files at a place; relative folders are made absolute, since workers stand elsewhere."""
    need("dask", "distributed", "fsspec", "pyarrow")
    from ostiary.server.history.shelf import Shelf  # noqa: PLC0415 - the history extra may be absent

    return Shelf(place if "://" in place else str(Path(place).resolve()))


@contextmanager
def sharing(workers: int, scheduler: str, *, open_scheduler: bool) -> "Iterator[Any]":
    """Yield the client of a cluster."""
    need("dask", "distributed", "fsspec", "pyarrow")
    from ostiary.server.history.cluster import cluster  # noqa: PLC0415 - as above

    with cluster(workers, scheduler, open_scheduler=open_scheduler) as client:
        yield client
