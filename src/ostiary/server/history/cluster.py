"""Where work on a history is done: processes of this machine, or a Dask scheduler that somebody else runs.

Whoever reaches a Dask scheduler runs code on its workers: the protocol carries functions. So:

- Processes of this machine listen on the loopback alone, speak TLS with keys made for this one run, so that other
  people of the machine cannot join them, and show no dashboard.
- A scheduler elsewhere must speak TLS, with certificates of both sides (``distributed.comm.tls`` of Dask's own
  configuration, or ``DASK_DISTRIBUTED__COMM__TLS__…``). Plain ``tcp://`` to another machine is refused unless it is
  allowed by name, for networks that are closed by other means.
- A worker must run the same version of Ostiary, since what is sent to it are names of our functions and plain values.

>>> is_open("tcp://10.0.0.7:8786"), is_open("tls://10.0.0.7:8786"), is_open("tcp://127.0.0.1:8786")
(True, False, False)
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from ostiary import __version__
from ostiary.errors import FaultyInputError, RefusedError, UnavailableError

if TYPE_CHECKING:
    from distributed import Client

MOST_WORKERS: Final = 256
_WAIT_S: Final = 30
_PROTOCOLS: Final = ("tcp", "tls")


def is_open(address: str) -> bool:
    """Return whether the way to a scheduler is neither this machine's own nor TLS."""
    parts = urlsplit(address)
    try:
        own = ip_address(parts.hostname or "").is_loopback
    except ValueError:
        own = parts.hostname == "localhost"
    return parts.scheme != "tls" and not own


@contextmanager
def cluster(workers: int = 2, scheduler: str = "", *, open_scheduler: bool = False) -> "Iterator[Client]":
    """Yield a client of so many processes of this machine, or of the scheduler at an address.

    Args:
        workers: processes of this machine, where no scheduler is named.
        scheduler: ``tls://HOST:PORT``.
        open_scheduler: allow ``tcp://`` to another machine.

    Raises:
        FaultyInputError: ``workers_invalid``, ``scheduler_invalid``.
        RefusedError: ``scheduler_open``.
        UnavailableError: ``scheduler_unavailable``; ``workers_differ``: they run another version.
    """
    if scheduler:
        _check(scheduler, open_scheduler=open_scheduler)
        with _client(scheduler) as client:
            _same_version(client)
            yield client
        return
    if not 1 <= workers <= MOST_WORKERS:
        raise FaultyInputError("workers_invalid", f"workers are 1 to {MOST_WORKERS}")
    import dask  # noqa: PLC0415 - an extra of its own
    import distributed  # noqa: PLC0415

    local_cluster: Any = distributed.LocalCluster
    with (
        dask.config.set({"distributed.worker.profile.enabled": False}),  # a sampler that nobody looks at
        local_cluster(
            n_workers=workers,
            threads_per_worker=1,  # the work is Python's own: a second thread would wait for the first
            host="127.0.0.1",
            security=True,
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
        ) as local,
        _client(local) as client,
    ):
        yield client


def workers_of(client: "Client") -> int:
    """Return how many workers there are now, one at least."""
    return max(1, len(client.scheduler_info(n_workers=-1)["workers"]))


def finished(client: "Client", futures: list[Any]) -> Any:
    """Return futures as they are done; more may be added to it."""
    from distributed import as_completed  # noqa: PLC0415 - an extra of its own

    made: Any = as_completed
    return made(futures, loop=client.loop)


def in_turn(client: "Client", work: Callable[..., Any], asks: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
    """Yield what becomes of each ask, by its number, as they are done; a few for each worker are sent at a time."""
    waiting = iter(enumerate(asks))
    numbers: dict[Any, int] = {}

    def sent() -> Any:
        found = next(waiting, None)
        if found is None:
            return None
        future = client.submit(work, *found[1], pure=False)
        numbers[future.key] = found[0]
        return future

    first = [one for _ in range(2 * workers_of(client)) if (one := sent()) is not None]
    going = finished(client, first)
    for future in going:
        yield numbers.pop(future.key), future.result()
        more = sent()
        if more is not None:
            going.add(more)


def _check(address: str, *, open_scheduler: bool) -> None:
    parts = urlsplit(address)
    try:
        fine = parts.scheme in _PROTOCOLS and bool(parts.hostname) and bool(parts.port) and not parts.path.strip("/")
    except ValueError:
        fine = False
    if not fine or parts.username or parts.query:
        raise FaultyInputError("scheduler_invalid", "a scheduler is named `tls://HOST:PORT`")
    if is_open(address) and not open_scheduler:
        text = "anybody who reaches a scheduler without TLS runs code on its workers: use `tls://`"
        raise RefusedError("scheduler_open", text)


def _client(where: Any) -> "Client":
    import distributed  # noqa: PLC0415 - an extra of its own

    made: Any = distributed.Client
    try:
        return cast("Client", made(where, timeout=_WAIT_S, set_as_default=False))
    except (OSError, TimeoutError, ValueError, TypeError) as fault:  # no certificate is a TypeError of Dask's
        raise UnavailableError("scheduler_unavailable", f"no scheduler can be reached: {fault}") from fault


def _version() -> str:
    return __version__


def _same_version(client: "Client") -> None:
    if not client.scheduler_info(n_workers=-1)["workers"]:
        client.wait_for_workers(1, timeout=_WAIT_S)
    try:
        found = set(client.run(_version).values())
    except Exception as fault:  # whatever a worker raises, it has not our code
        raise UnavailableError("workers_differ", "a worker cannot load Ostiary") from fault
    if found != {__version__}:
        raise UnavailableError("workers_differ", f"workers run {', '.join(sorted(found))}, this is {__version__}")
