"""Makes an impact study: lint the candidate, replay the log against it in other processes, sign and keep the report.

1. A bundle is linted in a throw-away process first; what reaches out or reads clocks is never evaluated. Its own tests
   need not pass: a study may come before they do.
2. A model is verified before anything of it is read, by this process and by the worker that loads it.
3. Where the candidate's guardrails are those of the bundle in force, the recorded verdicts of that bundle count.
4. If a worker finds that answers could not be shared, everything is asked again, nothing shared.
5. The deed is on record, with the report's digest, before anybody is told.
"""

import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.policy.alike import same_adaptive, same_guardrails
from ostiary.policy.bundle import Bundle
from ostiary.policy.sandbox import try_out
from ostiary.server.deeds import record_deed
from ostiary.server.impact.log import RangeReader, still_stands
from ostiary.server.impact.order import Finding, ImpactLimits, Order
from ostiary.server.impact.report import ImpactReport, Study, report_of
from ostiary.server.impact.workers import study
from ostiary.server.reports import Report, Reports
from ostiary.server.wiring import House, trusted_model_keys

KIND: Final = "impact"
DEFAULT_DAYS: Final = 30.0
_DAY_NS: Final = 86_400 * 1_000_000_000
_MOST_DAYS: Final = 36_500.0
_EVERY: Final = 500
Heard = Callable[[int], None]


def _unheard(read: int) -> None:
    """Hear of progress, and tell nobody."""
    del read


class Span(msgspec.Struct, frozen=True):
    """Decisions received in ``[from_ns, to_ns)``; with ``last_of_subjects`` each subject's last one only."""

    from_ns: int
    to_ns: int
    last_of_subjects: bool = False


class Kept(msgspec.Struct, frozen=True):
    """A report, and what it is named by."""

    digest: str
    report: ImpactReport


def span_of(
    now_ns: int,
    days: float | None = None,
    from_ns: int | None = None,
    to_ns: int | None = None,
    *,
    last_of_subjects: bool = False,
) -> Span:
    """Return the time that is asked for: so many days back from now, or from one time to another.

    Raises:
        FaultyInputError: ``span_invalid``.
    """
    if days is not None and (from_ns is not None or to_ns is not None):
        raise FaultyInputError("span_invalid", "say either how many days, or from when to when")
    if days is not None and not 0 < days <= _MOST_DAYS:
        raise FaultyInputError("span_invalid", f"days are more than 0 and at most {_MOST_DAYS:g}")
    end = now_ns + 1 if to_ns is None else to_ns
    first = 0 if last_of_subjects and days is None else end - int((days or DEFAULT_DAYS) * _DAY_NS)
    begin = max(0, first if from_ns is None else from_ns)
    if not 0 <= begin < end < 1 << 63:
        raise FaultyInputError("span_invalid", "the end must come after the beginning")
    return Span(begin, end, last_of_subjects)


def policy_impact(
    house: House, who: str, tenant: str, source: Path, span: Span, limits: ImpactLimits | None = None
) -> Kept:
    """Replay a tenant's decisions against the bundle in ``source``.

    Raises:
        FaultyInputError: the bundle is malformed.
        RefusedError: ``policy_refused``; ``impact_…``.
        VerificationError: the log was altered.
    """
    return bundle_impact(house, who, tenant, Bundle.load(source), span, limits)


def bundle_impact(
    house: House,
    who: str,
    tenant: str,
    candidate: Bundle,
    span: Span,
    limits: ImpactLimits | None = None,
    heard: Heard = _unheard,
) -> Kept:
    """Replay a tenant's decisions against a bundle; ``heard`` is told how many records were read so far.

    Raises:
        RefusedError: ``policy_refused``; ``impact_…``.
        VerificationError: the log was altered.
    """
    report = try_out(candidate, "lint")
    if report.errors:
        codes = [each.code for each in report.errors]
        raise RefusedError("policy_refused", f"the policy bundle is refused: {report.why_not()}", codes)
    current = Bundle.load(house.policies.source(tenant))
    now = house.clock.now_ns()
    mine, none = frozenset({current.digest}), frozenset[str]()
    order = Order(
        bundle_files(candidate),
        bundle_files(current),
        limits or ImpactLimits(),
        reuse=mine if same_guardrails(current, candidate) else none,
        reuse_adaptive=mine if same_adaptive(current, candidate) else none,
        now_ns=now,
    )
    return _made(house, who, Study("policy", tenant, candidate.digest, current.digest, now), order, span, heard)


def model_impact(
    house: House,
    who: str,
    tenant: str,
    source: Path,
    span: Span,
    limits: ImpactLimits | None = None,
    heard: Heard = _unheard,
) -> Kept:
    """Replay a tenant's decisions with the scores of the model in ``source``; session scores stay as recorded.

    Raises:
        VerificationError: no trusted key signed the model; the log was altered.
        RefusedError: ``impact_…``.
    """
    from ostiary.risk.model import load_scorer  # noqa: PLC0415 - the risk extra may be absent
    from ostiary.signals import features  # noqa: PLC0415

    keys = trusted_model_keys(house.places, house.ring, tenant)
    scorer = load_scorer(
        source, keys, feature_set=features.SET_DIGEST, names=features.NAMES, words=lambda name, _value, _event: name
    )
    live = house.scorers.scorer(tenant)
    bundle = Bundle.load(house.policies.source(tenant))
    now = house.clock.now_ns()
    order = Order(
        bundle_files(bundle),
        bundle_files(bundle),
        limits or ImpactLimits(),
        model=str(source.resolve()),
        model_keys={key.kid: key.pem().decode() for key in keys},
        reuse=frozenset({bundle.digest}),
        now_ns=now,
    )
    asked = Study("model", tenant, scorer.digest, live.digest if live is not None else "", now)
    return _made(house, who, asked, order, span, heard)


def check_impact(house: House, tenant: str, digest: str) -> ImpactReport:
    """Return a kept report that still stands: signed, and made from the log as it is now.

    Raises:
        RefusedError: ``report_unknown``.
        VerificationError: ``report_tampered``, ``impact_log_changed``.
    """
    found = Reports(house.store.snapshots, house.ring).find(tenant, digest)
    if found.kind != KIND:
        raise RefusedError("report_unknown", "there is no such report")
    report = msgspec.json.decode(found.body, type=ImpactReport)
    still_stands(house.log, tenant, report.log)
    return report


def _made(house: House, who: str, asked: Study, order: Order, span: Span, heard: Heard) -> Kept:
    start = time.monotonic()
    reader, finding = _replayed(house, asked.tenant, order, span, heard)
    if finding.mistrusted:
        order = msgspec.structs.replace(order, share=False)
        reader, finding = _replayed(house, asked.tenant, order, span, heard)
    report = report_of(asked, reader.told, finding, time.monotonic() - start)
    body = msgspec.json.encode(report)
    kept: Report = Reports(house.store.snapshots, house.ring).keep(
        asked.tenant, KIND, asked.candidate, body, house.clock.now_ns()
    )
    record_deed(
        house,
        who,
        asked.tenant,
        f"{asked.about}.impact",
        candidate=asked.candidate,
        report=kept.digest,
        decisions=report.decisions,
        new_allows=report.new_allows,
    )
    return Kept(kept.digest, report)


def _replayed(house: House, tenant: str, order: Order, span: Span, heard: Heard) -> tuple[RangeReader, Finding]:
    reader = RangeReader(house.log, tenant, span.from_ns, span.to_ns, last_of_subjects=span.last_of_subjects)
    erased = [0]

    def living() -> Iterator[tuple[int, bytes]]:
        for read, (index, payload) in enumerate(reader, 1):
            if read % _EVERY == 0:
                heard(read)
            if payload is None:
                erased[0] += 1
            else:
                yield index, payload

    finding = study(order, living())
    if erased[0]:
        finding.tally.decisions += erased[0]
        finding.tally.undecidable["erased"] = erased[0]
    return reader, finding


def bundle_files(bundle: Bundle) -> dict[str, str]:
    """Return a bundle's files as an order carries them."""
    return {path: base64.b64encode(text).decode() for path, text in bundle.files.items()}
