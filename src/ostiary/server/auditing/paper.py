"""The report of a pack on paper: a PDF set by Typst, without a browser and without the network.

Everything from the log reaches the template as *data*; a string there is text and never markup, whatever it says. The
compiler sees a folder with one template in it, and nothing else. Needs the extra ``report``.
"""

import json
import tempfile
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from ostiary.audit.verifier import Report
from ostiary.errors import UnavailableError
from ostiary.server.auditing.tally import Figures, Span

TEMPLATE: Final = "paper.typ"
_NS: Final = 1_000_000_000
_SHORT: Final = 26
_ROWS: Final = 60


def paper(manifest: dict[str, Any], figures: Figures, report: Report) -> bytes:
    """Return the report as PDF.

    Raises:
        UnavailableError: ``extra_missing``, or ``paper_failed``.
    """
    try:
        import typst  # noqa: PLC0415 - an extra
    except ImportError:
        raise UnavailableError("extra_missing", "pages for print need `ostiary[report]`") from None
    inputs = {"told": json.dumps(told(manifest, figures, report))}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / TEMPLATE).write_bytes(files(__package__).joinpath(TEMPLATE).read_bytes())
        try:
            made = typst.compile(folder / TEMPLATE, root=folder, format="pdf", sys_inputs=inputs, package_path=folder)
        except (RuntimeError, ValueError) as fault:
            raise UnavailableError("paper_failed", "the page for print could not be set") from fault
    return bytes(made)


def told(manifest: dict[str, Any], figures: Figures, report: Report) -> dict[str, Any]:
    """Return what the template is told: texts and tables of texts."""
    same = sum(one.same for one in figures.again)
    tried = sum(not one.why_not for one in figures.again)
    return {
        "title": f"Audit report of tenant {manifest['tenant']}",
        "origin": manifest["origin"],
        "sentence": _sentence(manifest),
        "warnings": _warnings(manifest, figures, report, same=same, tried=tried),
        "facts": [
            ("records in this pack", f"{manifest['records']:,}"),
            ("decisions", f"{sum(figures.effects.values()):,}"),
            ("entries in the log", f"{manifest['size']:,}"),
            ("decided again alike", f"{same} of {tried}"),
        ],
        "verification": _verification(report),
        "findings": [
            [one.text, "" if one.index is None else str(one.index), one.evidence] for one in report.findings[:_ROWS]
        ],
        "effects": [[name, f"{count:,}"] for name, count in figures.effects.items()],
        "rules": [[rule, effect, f"{count:,}"] for rule, effect, count in figures.rules],
        "policies": [_in_force(one) for one in figures.policies[:_ROWS]],
        "models": [_in_force(one) for one in figures.models[:_ROWS]],
        "people": [
            [one.name, f"{one.deeds:,}", f"{one.approvals:,}", ", ".join(one.commonest)]
            for one in figures.people[:_ROWS]
        ],
        "again_words": "A sample, chosen by a digest of the decisions' ids, was decided again from what was recorded.",
        "again": [[one.decision, one.before, one.after, one.why_not or _alike(same=one.same)] for one in figures.again],
        "evidence": [[one.control, one.asks, one.shown_by, f"{one.count:,}"] for one in figures.evidence],
    }


def _alike(*, same: bool) -> str:
    return "the same" if same else "another outcome"


def _sentence(manifest: dict[str, Any]) -> str:
    wanted = manifest["wanted"]
    since = _moment(wanted["from_ns"]) if wanted["from_ns"] else "the beginning"
    until = _moment(wanted["to_ns"] or manifest["made_ns"])
    only = ", ".join(f"{name} {wanted[name]}" for name in ("kind", "by", "subject") if wanted[name])
    return f"From {since} to {until}{f', only {only}' if only else ''}. Made {_moment(manifest['made_ns'])}."


def _warnings(manifest: dict[str, Any], figures: Figures, report: Report, *, same: int, tried: int) -> list[str]:
    found = []
    if not report.verified:
        found.append("The log did not verify: what was found is named below.")
    if same < tried:
        found.append("Some decisions come to another outcome when they are decided again.")
    if manifest["withheld"]:
        found.append(f"{manifest['withheld']:,} records about whoever made this pack came without payload.")
    if figures.unread:
        found.append(f"{figures.unread:,} records have no payload here; only their kind is counted.")
    return found


def _verification(report: Report) -> str:
    outcome = "verified, nothing was found wrong" if report.verified else "did not verify"
    witnessed = f" Cosigned by {', '.join(report.cosigned_by)}." if report.cosigned_by else ""
    grown = f" It is a continuation of {report.remembered_size:,} entries." if report.remembered_size else ""
    payloads = f" {report.payloads.opened:,} payloads as recorded, {report.payloads.erased:,} erased on record."
    return f"The log of {report.size:,} entries: {outcome}.{payloads}{grown}{witnessed}"


def _in_force(span: Span) -> list[str]:
    return [span.name[:_SHORT], _moment(span.first_ns), _moment(span.last_ns), f"{span.decisions:,}"]


def _moment(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // _NS, UTC).strftime("%Y-%m-%d %H:%M UTC")
