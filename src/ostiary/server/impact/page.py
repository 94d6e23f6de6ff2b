r"""An impact report for people: lines for a terminal, and one page of HTML without a script.

Every name in a report came from outside once: in HTML it is escaped, and control characters become a mark in both.
New allows come first and in red: they are what a change must answer for.

>>> text("<b>\x1b[31m")
'&lt;b&gt;\ufffd[31m'
"""

import html
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from ostiary.server.impact.report import Flips, ImpactReport, Names

WORDS: Final = {
    "new_allows": "newly allowed",
    "loosened": "milder, not allowed",
    "new_blocks": "newly blocked",
    "new_step_ups": "newly asked for proof",
    "tightened": "harsher otherwise",
}
_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{border:1px solid #ccc;padding:.2rem .6rem;"
    "text-align:left;vertical-align:top}.new_allows{color:#b00020;font-weight:600}code{font-size:.9em}"
)
_SHOWN: Final = 50


def plain(told: object) -> str:
    """Return text with a mark for each control and invisible character."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(told))


def text(told: object) -> str:
    """Return text that HTML shows and never obeys."""
    return html.escape(plain(told))


def when(time_ns: int) -> str:
    """Return a time in words, UTC."""
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def sentences(report: ImpactReport, digest: str) -> Iterator[tuple[str, str]]:
    """Yield lines with the kind of each: ``new_allows`` where it is about them, else empty."""
    log = report.log
    yield "", f"{report.about} {report.candidate} against {report.current or 'none'}"
    yield (
        "",
        f"{report.replayed} of {report.decisions} decisions replayed, records {log.first} to {log.last} of the log",
    )
    for reason, count in report.undecidable.items():
        yield "", f"  not replayed: {count} ({plain(reason)})"
    for each in report.flips:
        kind = each.direction if each.direction == "new_allows" and each.count else ""
        yield kind, f"{WORDS[each.direction]:<22} {each.count}"
        for flip in each.shown[:5]:
            yield (
                kind,
                plain(
                    f"  {flip.decision_id} {flip.subject} {flip.action} {flip.resource}: {flip.before} to {flip.after} "
                    f"({', '.join(flip.reasons_after)})"
                ),
            )
    yield "", f"{'same effect, other reason':<22} {report.reasons_only}"
    for rule in report.rules[:10]:
        told = ", ".join(f"{WORDS[way]} {count}" for way, count in rule.flips.items())
        yield "", plain(f"  {rule.rule}: {told}")
    yield "", f"{report.subjects.count} subjects, {report.resources.count} resources hit"
    yield "", _latency(report)
    if report.later.changed:
        asked = report.later
        yield "new_allows", f"dates matter: {asked.changed} of {asked.asked} sampled decisions differ on a later day"
    yield "", f"report {digest}"


def _latency(report: ImpactReport) -> str:
    told = report.latency
    if told.before_us is None or told.after_us is None:
        return "latency not measured: nothing was replayed"
    inflation = f", {told.inflation:g} times" if told.inflation is not None else ""
    return f"policy takes {told.after_us:g} us of a decision, before {told.before_us:g} us{inflation}"


def page(report: ImpactReport, digest: str) -> str:
    """Return the whole report as one page."""
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Impact of {text(report.candidate)}</title>",
        f"<style>{_STYLE}</style><h1>What {text(report.about)} {text(report.candidate[:19])}… would have done</h1>",
        "<ul>",
        *(f'<li class="{kind}">{text(line)}</li>' for kind, line in sentences(report, digest)),
        "</ul><h2>Agreement</h2>",
        _agreement(report),
        *(_flips(each) for each in report.flips if each.count),
        _names("Newly allowed subjects", report.newly_allowed),
        _names("Subjects hit", report.subjects),
        _names("Resources hit", report.resources),
        f"<p>Made {when(report.made_ns)} UTC from {text(report.log.origin)}, {report.log.size} entries, ",
        f"root <code>{text(report.log.root)}</code>, entries <code>{text(report.log.entries)}</code>.</p></html>",
    ]
    return "\n".join(parts)


def _agreement(report: ImpactReport) -> str:
    columns = sorted({after for row in report.agreement.values() for after in row})
    rows = [
        f"<tr><th>{text(before)}</th>{''.join(f'<td>{row.get(after, 0)}</td>' for after in columns)}</tr>"
        for before, row in report.agreement.items()
    ]
    head = "".join(f"<th>{text(after)}</th>" for after in columns)
    return f"<table><tr><th>before, after</th>{head}</tr>{''.join(rows)}</table>"


def _flips(flips: Flips) -> str:
    rows = [
        f"<tr><td>{when(flip.time_ns)}</td><td><code>{text(flip.decision_id)}</code></td><td>{text(flip.subject)}</td>"
        f"<td>{text(flip.action)}</td><td>{text(flip.resource)}</td><td>{text(flip.before)} → {text(flip.after)}</td>"
        f"<td>{text(', '.join(flip.reasons_after))}</td></tr>"
        for flip in flips.shown[:_SHOWN]
    ]
    columns = ("when", "decision", "subject", "action", "resource", "effect", "why")
    head = f"<tr>{''.join(f'<th>{column}</th>' for column in columns)}</tr>"
    title = f'<h2 class="{flips.direction}">{text(WORDS[flips.direction])}: {flips.count}</h2>'
    return f"{title}<table>{head}{''.join(rows)}</table>"


def _names(title: str, names: Names) -> str:
    if not names.count:
        return ""
    rows = "".join(f"<tr><td>{text(hit.name)}</td><td>{hit.flips}</td></tr>" for hit in names.most)
    return f"<h2>{text(title)}: {names.count}</h2><table>{rows}</table>"
