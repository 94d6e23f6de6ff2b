"""The fail-closed drill: everything that may go wrong between an application and its decision point, one after another.

Each check breaks one thing, gives the application the time that it may take, and then lets through nothing. Before the
first and after each the application must let the probe through: a drill that only ever sees refusals shows nothing.
"""

import time
from collections.abc import Callable
from typing import Final

import msgspec

from ostiary_sdk.drill.link import Link

RECOVERY_S: Final = 30.0
PAUSE_S: Final = 0.05


class Plan(msgspec.Struct, frozen=True):
    """How long things may take, in seconds.

    Attributes:
        grace_s: after something broke the application may use what it knows for so long: the longer of ``cache_s`` and
            ``max_stale_s`` of its settings, and a second.
        watch_s: for how long then every probe must be refused.
        revoked_s: within which a revoked session must be refused.
    """

    grace_s: float = 6.0
    watch_s: float = 2.0
    revoked_s: float = 1.0


class Outcome(msgspec.Struct, frozen=True):
    """What one check found.

    Attributes:
        held: whether nothing was let through that should not have been; ``None`` when it could not be found out.
        passed: probes that were let through after their time.
        refused_s: when the first refusal came, in seconds after the break.
    """

    name: str
    held: bool | None
    passed: int = 0
    refused_s: float | None = None
    note: str = ""


class Report(msgspec.Struct, frozen=True):
    """All outcomes."""

    outcomes: tuple[Outcome, ...]

    @property
    def exit_code(self) -> int:
        """0 when everything held, 1 when something was let through, 2 when the drill could not tell."""
        if any(one.held is False for one in self.outcomes):
            return 1
        told = [one for one in self.outcomes if one.note != SKIPPED]
        return 0 if told and all(one.held for one in told) else 2


SKIPPED: Final = "not checked: nothing was given that revokes the session"
Probe = Callable[[], bool]
_BREAKS: Final[dict[str, Callable[[Link], None]]] = {
    "decision point down": lambda link: link.set(down=True),
    "decision point slow": lambda link: link.set(questions="hold"),
    "decision point answers garbage": lambda link: link.set(questions="garbage"),
    "feed stalled, decision point slow": lambda link: link.set(questions="hold", feeds="hold"),
    "feed cut, decision point answers garbage": lambda link: link.set(questions="garbage", feeds="cut"),
}


class Drill:
    """Runs all checks through one link."""

    def __init__(self, link: Link, probe: Probe, plan: Plan, revoke: Callable[[], None] | None = None) -> None:
        """Take the link, and ``probe``, which returns whether the application let a permitted request through."""
        self._link = link
        self._probe = probe
        self._plan = plan
        self._revoke = revoke

    def run(self) -> Report:
        """Run every check; the link works again afterwards. The probe's session is over at the end."""
        outcomes = [self._broken(name, breaks) for name, breaks in _BREAKS.items()]
        outcomes.append(self._revoked())
        return Report(tuple(outcomes))

    def _broken(self, name: str, breaks: Callable[[Link], None]) -> Outcome:
        if not self._works():
            return Outcome(name, None, note="the application refuses even while everything works")
        try:
            breaks(self._link)
            return self._watch(name, self._plan.grace_s)
        finally:
            self._link.set()

    def _revoked(self) -> Outcome:
        name = "session revoked"
        if self._revoke is None:
            return Outcome(name, None, note=SKIPPED)
        if not self._works():
            return Outcome(name, None, note="the application refuses even while everything works")
        self._revoke()
        return self._watch(name, self._plan.revoked_s)

    def _watch(self, name: str, grace_s: float) -> Outcome:
        begun = time.monotonic()
        refused: float | None = None
        passed = 0
        while time.monotonic() - begun < grace_s + self._plan.watch_s:
            asked_s = time.monotonic() - begun
            if self._probe():
                passed += asked_s > grace_s
            elif refused is None:
                refused = time.monotonic() - begun
            time.sleep(PAUSE_S)
        return Outcome(name, refused is not None and not passed, passed, refused)

    def _works(self) -> bool:
        until = time.monotonic() + RECOVERY_S
        while time.monotonic() < until:
            if self._probe():
                return True
            time.sleep(PAUSE_S)
        return False
