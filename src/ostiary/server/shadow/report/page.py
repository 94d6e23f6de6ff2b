"""The shadow report as one HTML page: self-contained, dark or light as the reader has it, nothing fetched.

- Every text is escaped: names of subjects, groups and resources are strangers' bytes.
- A content security policy in the page forbids every request, and every script but the slider's own, by its digest. The
  script knows numbers only, and writes text, never markup.
"""

import base64
import json
from typing import Final

from ostiary.keys import sha256
from ostiary.risk.measure.page_parts import bullets, cells, section, text
from ostiary.risk.measure.page_parts import facts as boxes
from ostiary.risk.measure.page_style import STYLE
from ostiary.server.shadow.report.pictures import days_drawing, reliability_of, thresholds_drawing
from ostiary.server.shadow.report.sheet import Sheet
from ostiary.server.shadow.report.words import count, facts, precision_words, sentence, share, title, warnings

_MORE: Final = """
.warn { border-left: 3px solid var(--red); padding: 2px 0 2px 12px; margin: 12px 0 0; font-weight: 600; }
.line { fill: none; stroke: var(--blue); stroke-width: 2.5; } .budget { stroke: var(--red); stroke-dasharray: 6 4; }
.low { fill-opacity: .45; }
.slide { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 10px; margin: 10px 0; }
.slide output { display: block; font-size: 19px; font-weight: 600; font-variant-numeric: tabular-nums; }
.slide span { color: var(--soft); font-size: 12.5px; }
input[type=range] { width: 100%; accent-color: var(--blue); margin: 14px 0 0; }
main { overflow-wrap: anywhere; } td:first-child { min-width: 8em; } th, td { overflow-wrap: normal; }
dl { margin: 0; } dt { font-weight: 600; margin-top: 10px; } dd { margin: 0; } dt .soft { font-weight: 400; }
details summary { cursor: pointer; color: var(--soft); } .chart { overflow-x: auto; } .chart svg { min-width: 560px; }
@media (max-width: 520px) { main { padding: 16px 10px 32px; } section { padding: 14px 12px; }
  .two { grid-template-columns: minmax(0, 1fr); } }
"""
_SCRIPT: Final = """
const range = document.getElementById('threshold');
const steps = JSON.parse(range.dataset.steps);
const show = () => { steps[Number(range.value)].forEach((text, place) => {
  document.getElementById('slide-' + place).textContent = text; }); };
range.addEventListener('input', show); show();
"""
_NAMES: Final = ("threshold", "interruptions a day", "people and accounts", "precision", "recall")


def page(sheet: Sheet, digest: str) -> str:
    """Return the page; ``digest`` names the kept copy."""
    parts = [_head(sheet, digest), _days(sheet), _thresholds(sheet), _right(sheet), _patterns(sheet), _people(sheet)]
    parts += [_candidate(sheet)] if sheet.flips else []
    parts += [_drift(sheet)] if sheet.drift else []
    if sheet.notes:
        parts.append(section("What is not told", bullets(sheet.notes)))
    script = f"<script>{_SCRIPT}</script>" if sheet.steps else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{text(_policy())}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title(sheet))}</title><style>{STYLE}{_MORE}</style></head>"
        f"<body><main>{''.join(parts)}</main>{script}</body></html>\n"
    )


def _policy() -> str:
    known = base64.b64encode(sha256(_SCRIPT.encode())).decode()
    rules = ("default-src 'none'", "style-src 'unsafe-inline'", f"script-src 'sha256-{known}'")
    return "; ".join((*rules, "base-uri 'none'", "form-action 'none'"))


def _head(sheet: Sheet, digest: str) -> str:
    alarms = "".join(f'<p class="warn">{text(one)}</p>' for one in warnings(sheet))
    phase = f", phase {sheet.phase.replace('_', '-')}" if sheet.phase else ""
    of = f"tenant {sheet.tenant}{phase}, model {sheet.model or 'none'}"
    names = " Names are pseudonyms." if sheet.anonymous else ""
    candidate = "" if sheet.what == "control" else f"<p><code>{text(sheet.about)}</code></p>"
    return (
        f"<h1>{text(title(sheet))}</h1><p>{text(sentence(sheet))}</p>{candidate}{alarms}"
        f'<p class="soft">{text(of)}.{names} Nothing of it was done: it is what would have been.</p>'
        f"<p><code>report {text(digest)}</code></p>{boxes(facts(sheet))}"
    )


def _days(sheet: Sheet) -> str:
    one = sheet.budget
    worst = f", {one.worst:,} on the worst day ({one.worst_day})" if one.worst_day else ""
    asked = f" The budget of {one.asked:g} a day is the dashed line." if one.asked is not None else ""
    return section(
        "Alert budget: interruptions by the day (UTC)",
        f"<p>{text(count(one.average))} on the average day{text(worst)}.{text(asked)}</p>",
        f'<div class="chart">{days_drawing(sheet.daily, one.asked)}</div>',
        '<p class="soft">Blue: asked for a proof or refused. Amber: of these, refused or ended.</p>',
    )


def _thresholds(sheet: Sheet) -> str:
    if not sheet.steps:
        return section("Threshold", '<p class="soft">There were no scores to try thresholds on.</p>')
    rows = [_step(sheet, place) for place in range(len(sheet.steps))]
    first = _start(sheet)
    outputs = "".join(
        f'<div><output id="slide-{place}">{text(value)}</output><span>{text(name)}</span></div>'
        for place, (name, value) in enumerate(zip(_NAMES, rows[first], strict=True))
    )
    return section(
        "Threshold: what it would cost to act from this score on",
        f'<input type="range" id="threshold" aria-label="threshold" min="0" max="{len(rows) - 1}" value="{first}" '
        f'data-steps="{text(json.dumps(rows))}"><div class="slide">{outputs}</div>',
        f'<div class="chart">{thresholds_drawing(sheet.steps, sheet.budget.asked)}</div>',
        '<p class="soft">Accesses that policy would have let through otherwise, had every score from the threshold on '
        "been acted upon. Precision and recall are of those that people judged.</p>",
        f"<details><summary>All {len(rows)} thresholds</summary>{cells(_NAMES, rows)}</details>",
    )


def _step(sheet: Sheet, place: int) -> list[str]:
    one = sheet.steps[place]
    users = "not kept" if one.users is None else f"{one.users:,}"
    return [f"{one.threshold:.4g}", count(one.a_day), users, share(one.precision), share(one.recall)]


def _start(sheet: Sheet) -> int:
    """Return where the slider stands first: within the budget if there is one, else as often as it would have acted."""
    wanted = sheet.budget.asked if sheet.budget.asked is not None else sheet.budget.average
    return next((place for place, one in enumerate(sheet.steps) if one.a_day <= wanted), len(sheet.steps) - 1)


def _right(sheet: Sheet) -> str:
    words = f"<p>{text(precision_words(sheet))}</p>"
    if not sheet.reliability:
        return section("Was it right?", words)
    bands = [
        [f"{100 * one.low:g} to {100 * one.high:g} %", count(one.rows), share(one.predicted), share(one.seen)]
        for one in sheet.reliability
    ]
    return section(
        "Was it right?",
        words,
        '<div class="two"><div><h3>Reliability of the score, where people judged</h3>',
        reliability_of(sheet.reliability),
        f"</div><div><h3>Off by {share(sheet.calibration_error)} on average</h3>",
        cells(["predicted", "judged", "mean", "harmful"], bands),
        "</div></div>",
    )


def _patterns(sheet: Sheet) -> str:
    if not sheet.patterns:
        return section("Where", '<p class="soft">It would have hit nothing.</p>')
    parts = []
    for of in dict.fromkeys(one.of for one in sheet.patterns):
        rows = (
            [one.name, f"{one.hits:,}", f"{one.accesses:,}", _lift(one.lift), _wrong(one.wrong, one.judged)]
            for one in sheet.patterns
            if one.of == of
        )
        title_of = "hour (UTC)" if of == "hour" else of
        parts += [
            f"<h3>By {text(title_of)}</h3>",
            cells([title_of, "hits", "accesses", "against average", "wrong"], rows),
        ]
    return section("Where it would have hit, the most wrongs first", *parts)


def _people(sheet: Sheet) -> str:
    rows = "".join(
        f'<dt>{text(one.name)} <span class="soft">{one.hits:,} in all</span></dt><dd>{text(one.words)}</dd>'
        for one in sheet.people
    )
    return section("The ten most affected", f"<dl>{rows}</dl>" if rows else '<p class="soft">Nobody.</p>')


def _candidate(sheet: Sheet) -> str:
    rows = [[name.replace("_", " "), f"{number:,}"] for name, number in (*sheet.flips.items(), *sheet.missed.items())]
    words = (
        '<p class="soft">Looser and stricter are of what was enforced; proposal is of what models would have done.</p>'
    )
    return section("How it answered beside the live one", cells(["answer", "decisions"], rows), words)


def _drift(sheet: Sheet) -> str:
    rows = (
        [
            one.name,
            "not told" if one.psi is None else f"{one.psi:.3f}",
            share(one.missing_before),
            share(one.missing_now),
            one.verdict,
        ]
        for one in sheet.drift
    )
    titles = ["", "stability index (PSI)", "missing at training", "missing now", "verdict"]
    words = '<p class="soft">Below 0.1 is quiet, to 0.25 watch, above act: a habit of credit scoring, not a law.</p>'
    return section("How far the world moved since the model's training", cells(titles, rows), words)


def _lift(lift: float | None) -> str:
    return "not told" if lift is None else f"{lift:.1f} times"


def _wrong(wrong: int, judged: int) -> str:
    return f"{wrong:,} of {judged:,} judged" if judged else "none judged"
