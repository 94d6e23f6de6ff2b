"""Begin a new signal: the file, its test, its row in the reference and its changelog fragment.

- What is written works and passes its tests as it stands; from there it is changed into the signal that is meant.
- Nothing is overwritten, and a faulty name writes nothing.

    python tools/new_signal.py quiet_hours
"""

import re
import sys
from pathlib import Path
from string import Template

ROOT = Path(__file__).resolve().parent.parent
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
LONGEST = 40

SIGNAL = '''"""Is it the weekend for the subject? Change this line to the question that `$name` answers.

Say here why the answer tells something, and cite what you rely on.
"""

from collections.abc import Sequence
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent


def _extract(_event: AccessEvent, history: History) -> Sequence[float]:
    if history.moment.offset is None:
        return (NAN,)  # missing is not zero: without an offset nobody knows the subject's weekday
    return (float(history.moment.weekend),)


def _words(_name: str, value: float, _event: AccessEvent, _history: History) -> str:
    return "it is the weekend for the subject" if value else "it is a working day for the subject"


SIGNAL: Final[Signal] = Signal(
    family=Family.TIME,
    features=(Feature("$name", "whether it is the weekend for the subject", "flag"),),
    sources=("time_ns", "tz_offset_min"),
    needs=("subject",),
    extract=_extract,
    words=_words,
)
'''

TEST = """from math import isnan

from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.vocabulary.events import AccessEvent

SATURDAY_NOON_NS = 1_704_542_400_000_000_000  # 2024-01-06T12:00:00Z
TUESDAY_NOON_NS = 1_704_801_600_000_000_000  # 2024-01-09T12:00:00Z


def value(time_ns: int, tz_offset_min: int | None) -> float:
    event = AccessEvent(
        event_id="1",
        tenant="default",
        time_ns=time_ns,
        subject_id="alice",
        action="read",
        resource_type="repository",
        resource_id="docs",
        tz_offset_min=tz_offset_min,
    )
    return features.extract(event, ProfileBook("default").view(event))[features.INDEX["$name"]]


def test_saturday_is_the_weekend() -> None:
    assert value(SATURDAY_NOON_NS, 0) == 1.0


def test_tuesday_is_not() -> None:
    assert value(TUESDAY_NOON_NS, 0) == 0.0


def test_without_an_offset_nobody_knows() -> None:
    assert isnan(value(SATURDAY_NOON_NS, None))
"""

FRAGMENT = (
    "A new signal, `$name`: say in one sentence what it notices. Models learned before do not know it: train anew.\n"
)


def files_of(name: str) -> dict[str, str]:
    """Return the text of each new file by its path below the repository's root."""
    texts = {
        f"src/ostiary/signals/catalogue/{name}.py": SIGNAL,
        f"tests/unit/signals/test_signal_{name}.py": TEST,
        f"changelog.d/+signal-{name.replace('_', '-')}.feature.md": FRAGMENT,
    }
    return {path: Template(text).substitute(name=name) for path, text in texts.items()}


def fault_of(name: str, root: Path) -> str:
    """Return what speaks against ``name``, or nothing."""
    if len(name) > LONGEST or not NAME.match(name):
        return f"`{name[:80]}` is no name for a signal: lower-case words joined by `_`, {LONGEST} characters at most"
    taken = [path for path in files_of(name) if (root / path).exists()]
    return f"`{taken[0]}` is already there" if taken else ""


def write(name: str, root: Path) -> list[str]:
    """Write the new files below ``root``; return their paths."""
    written = files_of(name)
    for path, text in written.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return list(written)


def main(arguments: list[str]) -> int:
    """Begin the signal that the one argument names."""
    if len(arguments) != 1:
        print("usage: just new signal NAME", file=sys.stderr)
        return 2
    if fault := fault_of(arguments[0], ROOT):
        print(f"error: {fault}", file=sys.stderr)
        return 2
    for path in write(arguments[0], ROOT):
        print(f"wrote {path}")
    print("next: change the signal into yours, then `just pages` and `just test tests/unit/signals`")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
