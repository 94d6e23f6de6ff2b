"""What a gate is shown: live figures, and the ages of the signed reports that they name.

Figures come from a ``FiguresSource``. A report counts only when it is on the shelf, verifies, and is of the kind that
it is said to be.
"""

from typing import Final

import msgspec

from ostiary.decision.gates import TELEMETRY_EXIT, Evidence, Gate
from ostiary.decision.phases import PLAYBOOK
from ostiary.errors import OstiaryError
from ostiary.server.reports import Report, Reports
from ostiary.server.rollout.figures import DAY_NS
from ostiary.server.settings.rollout import RolloutSection
from ostiary.vocabulary.effects import LIVE_FROM, Control, Phase
from ostiary.vocabulary.rollout import FiguresSource, GateFigures
from ostiary.vocabulary.unreadable import UNREADABLE

QUALITY: Final = "quality"
QUALITY_ABOUT: Final = "events"


class _Quality(msgspec.Struct):
    """What of a quality report a gate reads."""

    passed: bool
    failed: tuple[str, ...] = ()


class Gates:
    """The gates by the settings."""

    def __init__(self, settings: RolloutSection) -> None:
        """Take the settings."""
        self._settings = settings

    def gate(self, control: str, to: Phase) -> Gate:
        """Return what a control must meet to enter ``to``."""
        if to <= Phase.SHADOW:
            return msgspec.structs.replace(TELEMETRY_EXIT, quality_days=self._settings.quality_days)
        own = self._settings.controls.get(control)
        if own is not None:
            return own.gate()
        if control.startswith(PLAYBOOK):
            gate = self._settings.playbooks.gate()
            # In shadow its steps are only written down: there is nothing yet that a person could agree to or refuse.
            early = msgspec.structs.replace(gate, judged=None, false_positive_rate=None)
            return early if to <= Phase.LOW_RISK else gate
        grave = LIVE_FROM[Control(control)] > Phase.LOW_RISK or to > Phase.LOW_RISK
        return (self._settings.high_impact if grave else self._settings.low_risk).gate()


class Gathering:
    """Collects evidence for gates."""

    def __init__(self, source: FiguresSource, reports: Reports) -> None:
        """Ask ``source``, and look up what it names in ``reports``."""
        self._source = source
        self._reports = reports

    def figures(self, tenant: str, control: str, since_ns: int, now_ns: int) -> GateFigures:
        """Return what is known of a control."""
        return self._source.figures(tenant, control, since_ns, now_ns)

    def evidence(self, tenant: str, control: str, since_ns: int, now_ns: int) -> Evidence:
        """Return everything that a gate may ask for."""
        figures = self.figures(tenant, control, since_ns, now_ns)
        quality = self._newest_quality(tenant)
        told = None if quality is None else _read(quality)
        return Evidence(
            figures,
            impact_age_days=self._age(tenant, "impact", figures.impact, now_ns),
            redteam_age_days=self._age(tenant, "redteam", figures.redteam, now_ns),
            quality_age_days=None if quality is None or told is None else (now_ns - quality.at_ns) / DAY_NS,
            quality_failed=() if told is None or told.passed else told.failed or ("did not pass",),
        )

    def _age(self, tenant: str, kind: str, digest: str, now_ns: int) -> float | None:
        if not digest:
            return None
        try:
            report = self._reports.find(tenant, digest)
        except OstiaryError:  # unknown or tampered with: a gate has seen none
            return None
        return (now_ns - report.at_ns) / DAY_NS if report.kind == kind else None

    def _newest_quality(self, tenant: str) -> Report | None:
        try:
            return self._reports.newest(tenant, QUALITY, QUALITY_ABOUT)
        except OstiaryError:  # as above
            return None


def _read(report: Report) -> _Quality | None:
    try:
        return msgspec.json.decode(report.body, type=_Quality)
    except UNREADABLE:
        return None
