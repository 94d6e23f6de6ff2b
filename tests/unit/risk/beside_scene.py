"""Run as a program by ``test_risk_beside``: forks want a process without threads."""

import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence

from ostiary.errors import UnavailableError
from ostiary.risk.beside import Beside, Judge, Judgement, Looked, possible
from ostiary.risk.look import Known
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import NAMES, extract
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore

SECOND = 10**9


def batches(count: int, size: int = 4, filler: str = "") -> Iterator[Looked]:
    """Yield batches of accesses, each with a long text where ``filler`` is one."""
    book = ProfileBook("default")
    for number in range(count):
        events = [
            AccessEvent(f"e{number}-{each}", "default", number * SECOND, "ann", "read", "db", "a", user_agent=filler)
            for each in range(size)
        ]
        yield Looked(events, [book.view(event) for event in events])


def by_name(events: Sequence[AccessEvent], _looks: Sequence[Known], rows: Sequence[Sequence[float]]) -> Judgement:
    """Answer with the name that was asked for, and at length."""
    assert all(len(row) == len(NAMES) for row in rows)
    return Judgement([RiskScore(available=True, reason=event.event_id * 2_000) for event in events], None)


def refuses(events: Sequence[AccessEvent], _looks: Sequence[Known], _rows: Sequence[Sequence[float]]) -> Judgement:
    """Fail as a model's library would."""
    raise UnavailableError("lightgbm_unavailable", f"no score for {len(events)}")


def ends(_events: Sequence[AccessEvent], _looks: Sequence[Known], _rows: Sequence[Sequence[float]]) -> Judgement:
    """End as what is killed does."""
    os._exit(9)


def beside(judge: Judge) -> Beside:
    """Return a judge in another process."""
    return Beside(judge, extract, NAMES[:40], 32, looks=True)


def fault_of(judge: Judge) -> str:
    """Return with which code a stream fails."""
    try:
        list(beside(judge).judged(batches(9)))
    except UnavailableError as fault:
        return fault.code
    return ""


def right(found: Sequence[tuple[Looked, Judgement]]) -> bool:
    """Return whether each access has its own answer."""
    return all(
        risk.reason == event.event_id * 2_000
        for looked, judgement in found
        for event, risk in zip(looked.events, judgement.risks, strict=True)
    )


def main() -> None:
    """Tell how each case went."""
    if not possible():
        sys.stdout.write("impossible\n")
        return
    found = list(beside(by_name).judged(batches(40)))
    sys.stdout.write(f"in order {right(found) and len(found) == 40}\n")
    sys.stdout.write(f"large {right(list(beside(by_name).judged(batches(9, 32, 'x' * 50_000))))}\n")
    stream = beside(by_name).judged(batches(1_000_000))
    begun = right([next(stream), next(stream)])
    stream.close()  # type: ignore[attr-defined]  # a generator
    sys.stdout.write(f"left early {begun}\n")
    sys.stdout.write(f"fault {fault_of(refuses)}\n")
    sys.stdout.write(f"killed {fault_of(ends)}\n")
    sys.stdout.write(f"children {len(multiprocessing.active_children())}\n")


if __name__ == "__main__":
    main()
