"""Three small drawings of a shadow report, as SVG: days, thresholds, reliability; for the page and for paper.

- They hold numbers and days only, never a name from a log.
- On the page their colours are the page's own; on paper ``standing`` brings a style along.
"""

import math
from collections.abc import Sequence
from typing import Final

from ostiary.server.shadow.report.sheet import Band, Day, Step
from ostiary.server.shadow.report.words import count

_WIDTH: Final = 1_000
_TALL: Final = 150
_LEFT: Final = 52
_LEAST: Final = 1e-4
PRINT_STYLE: Final = (
    "text{fill:#687684;font:11px 'DejaVu Sans',sans-serif}.grid{stroke:#e3e8ee}.low{fill:#0072b2;fill-opacity:.45}"
    ".even{stroke:#687684;stroke-dasharray:4 4}.dot{fill:#0072b2}.high{fill:#b35900}"
    ".reach{stroke:#0072b2;stroke-opacity:.5;stroke-width:2}.line{fill:none;stroke:#0072b2;stroke-width:2.5}"
    ".budget{stroke:#c0392b;stroke-dasharray:6 4}"
)


def standing(drawing: str) -> str:
    """Return a drawing that stands alone, with its own style."""
    head, _, rest = drawing.partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{PRINT_STYLE}</style>{rest}'


def days_drawing(daily: Sequence[Day], budget: float | None) -> str:
    """Return interruptions by the day, those that would have been refusals in amber, and the budget as a line."""
    most = max([1.0, budget or 0.0, *(float(one.interrupts) for one in daily)])
    step = (_WIDTH - _LEFT) / max(1, len(daily))
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_TALL + 30}" role="img" aria-label="interruptions by the day">']
    for part in (0.0, 0.5, 1.0):
        y = 8 + (_TALL - 8) * (1 - part)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{count(round(most * part, 2))}</text>')
    gap = min(2.0, step / 6)
    for place, one in enumerate(daily):
        for value, name in ((one.interrupts, "low"), (one.blocks, "high")):
            tall = (_TALL - 8) * value / most
            x, y = _LEFT + place * step + gap, _TALL - tall
            wide = max(0.5, step - 2 * gap)
            parts.append(f'<rect class="{name}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}"/>')
    if budget is not None:
        y = _TALL - (_TALL - 8) * budget / most
        parts.append(f'<line class="budget" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
    if daily:
        parts.append(f'<text x="{_LEFT}" y="{_TALL + 20}">{daily[0].day}</text>')
        parts.append(f'<text x="{_WIDTH}" y="{_TALL + 20}" text-anchor="end">{daily[-1].day}</text>')
    return "".join(parts) + "</svg>"


def thresholds_drawing(steps: Sequence[Step], budget: float | None) -> str:
    """Return interruptions a day against the threshold; both axes by their logarithm (log-odds for the score)."""
    rates = [one.a_day for one in steps if one.a_day > 0]
    if not rates:
        return ""
    low, high = math.log10(min(rates)), math.log10(max(*rates, budget or 0.0, min(rates) * 1.01))
    first, last = _odds(steps[0].threshold), _odds(steps[-1].threshold)

    def place(threshold: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - 8) * (_odds(threshold) - first) / ((last - first) or 1.0)

    def height(rate: float) -> float:
        return 8 + (_TALL - 8) * (1 - (math.log10(rate) - low) / ((high - low) or 1.0))

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_TALL + 34}" role="img" aria-label="interruptions a day by threshold">']
    for power in range(math.ceil(low), math.floor(high) + 1):
        y = height(10.0**power)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    for tick in (0.001, 0.01, 0.1, 0.5, 0.9, 0.99):
        if steps[0].threshold <= tick <= steps[-1].threshold:
            x = place(tick)
            parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="8" y2="{_TALL}"/>')
            parts.append(f'<text x="{x:.1f}" y="{_TALL + 16}" text-anchor="middle">{tick:g}</text>')
    points = " ".join(f"{place(one.threshold):.1f},{height(one.a_day):.1f}" for one in steps if one.a_day > 0)
    parts.append(f'<polyline class="line" points="{points}"/>')
    if budget is not None and budget > 0 and low <= math.log10(budget) <= high:
        y = height(budget)
        parts.append(f'<line class="budget" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
    words = "threshold of the score; interruptions a day above"
    parts.append(f'<text x="{(_WIDTH + _LEFT) / 2}" y="{_TALL + 32}" text-anchor="middle">{words}</text>')
    return "".join(parts) + "</svg>"


def reliability_of(bands: Sequence[Band]) -> str:
    """Return predicted against seen, as the report of a model draws it."""
    import msgspec  # noqa: PLC0415 - with the extra below

    from ostiary.risk.measure.page_parts import reliability_drawing  # noqa: PLC0415 - an extra
    from ostiary.risk.measure.reliability import Band as Drawn  # noqa: PLC0415

    return reliability_drawing([Drawn(**msgspec.structs.asdict(band)) for band in bands])


def _odds(score: float) -> float:
    kept = min(max(score, _LEAST / 10), 1 - _LEAST / 10)
    return math.log(kept / (1 - kept))
