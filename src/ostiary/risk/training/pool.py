"""Runs the rounds of a training side by side on several cores; the same results in the same order as one by one.

- A worker is a fresh process (no fork: the parent's threads and libraries are not copied), made ready once, then given
  round after round. Histories too short to pay for that stay in this process.
- Who has more than one machine says so with ``spread_by``: the rounds go there, and the results are the same.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from multiprocessing import get_context
from typing import Any, Final, TypeVar

Result = TypeVar("Result")
Work = Callable[[int], Any]

WORTH: Final = 120_000
"""Accesses replayed in all rounds together from which other processes are worth their start."""

Spread = Callable[[Callable[..., Work], Sequence[Any], int], Iterator[Any]]
"""Runs what ``build`` makes of its arguments for each round, elsewhere; results come in the order of rounds."""

_work: Work | None = None
_spread: ContextVar[Spread | None] = ContextVar("spread", default=None)


@contextmanager
def spread_by(spread: Spread) -> Iterator[None]:
    """Let the rounds of every training within go by ``spread`` instead of processes of this machine."""
    token = _spread.set(spread)
    try:
        yield
    finally:
        _spread.reset(token)


def each_round(
    build: Callable[..., Callable[[int], Result]],
    arguments: Sequence[Any],
    rounds: int,
    *,
    workers: int,
    accesses: int,
    done: Callable[[int], None],
) -> list[Result]:
    """Return the result of each round.

    Args:
        build: makes the worker's function from ``arguments``; of a module, so that another process finds it.
        arguments: what each worker needs, once.
        rounds: how many.
        workers: processes at most.
        accesses: of the history, to judge whether processes pay.
        done: told how many rounds are done.
    """
    found: list[Result] = []
    spread = _spread.get()
    here = _results(build, arguments, rounds, workers if accesses * rounds >= WORTH else 1)
    for result in here if spread is None else spread(build, arguments, rounds):
        found.append(result)
        done(len(found))
    return found


def _results(
    build: Callable[..., Callable[[int], Result]], arguments: Sequence[Any], rounds: int, workers: int
) -> Iterator[Result]:
    if min(workers, rounds) <= 1:
        yield from map(build(*arguments), range(rounds))
        return
    with ProcessPoolExecutor(
        min(workers, rounds), mp_context=get_context("spawn"), initializer=_begin, initargs=(build, arguments)
    ) as pool:
        yield from pool.map(_one, range(rounds))


def _begin(build: Callable[..., Work], arguments: Sequence[Any]) -> None:
    global _work  # noqa: PLW0603 - a worker process is made ready once
    _work = build(*arguments)


def _one(number: int) -> Any:
    if _work is None:
        raise RuntimeError("a worker was given a round before it was made ready")
    return _work(number)
