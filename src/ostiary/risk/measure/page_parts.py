"""Pieces of the report's page: tables, bars and two small drawings, as escaped HTML.

- Every text goes through ``text``; a subject's name from a log is a stranger's bytes.

>>> cells(["<b>"], [["a & b"]])
'<div class="wide"><table><tr><th>&lt;b&gt;</th></tr><tr><td>a &amp; b</td></tr></table></div>'
"""

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from ostiary.risk.measure.reliability import Band

_WIDTH: Final = 1_000
_LEAST: Final = 1e-4
_TICKS: Final = (0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99)
_NUMERIC: Final = frozenset("0123456789.,-% ")


def text(value: object) -> str:
    """Return ``value`` escaped."""
    return escape(str(value), quote=True)


def number(value: float | None, digits: int = 4) -> str:
    """Return a number, or that it was not measured."""
    return "not measured" if value is None else f"{value:.{digits}f}"


def count(value: float) -> str:
    """Return a count with separators, with two decimals below ten when it has any."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2f}"  # noqa: PLR2004


def share(value: float | None) -> str:
    """Return a share in percent.

    >>> share(0.00123), share(0.5), share(None)
    ('0.12 %', '50 %', 'not measured')
    """
    return "not measured" if value is None else f"{100 * value:.2g} %" if value < 0.1 else f"{100 * value:.3g} %"  # noqa: PLR2004


def section(title: str, *parts: str) -> str:
    """Return a section."""
    return f"<section><h2>{text(title)}</h2>{''.join(parts)}</section>"


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return numbers in boxes, each with what it counts."""
    boxes = "".join(f"<div><b>{text(value)}</b><span>{text(name)}</span></div>" for name, value in pairs)
    return f'<div class="facts">{boxes}</div>'


def bullets(lines: Iterable[object]) -> str:
    """Return a list."""
    return f"<ul>{''.join(f'<li>{text(line)}</li>' for line in lines)}</ul>"


def cells(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; columns whose first cell is a number stand right."""
    body = [list(row) for row in rows]
    right = [bool(body) and place > 0 and set(body[0][place]) <= _NUMERIC for place in range(len(titles))]
    lines = [_line("th", titles, right), *(_line("td", row, right) for row in body)]
    return f'<div class="wide"><table>{"".join(lines)}</table></div>'


def _line(tag: str, row: Sequence[str], right: Sequence[bool]) -> str:
    parts = (f"<{tag}{' class=n' if end else ''}>{_cell(one)}</{tag}>" for one, end in zip(row, right, strict=True))
    return f"<tr>{''.join(parts)}</tr>"


def _cell(one: str) -> str:
    return f'<span class="{one}">{one}</span>' if one in {"quiet", "watch", "act"} else text(one)


def bars(rows: Iterable[tuple[str, float, str]]) -> str:
    """Return horizontal bars: name, length from 0 to 1 of the longest, and words."""
    kept = list(rows)
    longest = max((length for _, length, _ in kept), default=0.0) or 1.0
    return "".join(
        f'<div class="bar"><span>{text(name)}</span><i style="width:{100 * length / longest:.1f}%"></i>'
        f"<span>{text(words)}</span></div>"
        for name, length, words in kept
    )


def timeline(slices: Sequence[tuple[int, int]], first: str, last: str) -> str:
    """Return alarms over time: columns of ``medium`` and above, with ``high`` in them."""
    most = max((medium for medium, _ in slices), default=0) or 1
    step, height = _WIDTH / max(1, len(slices)), 110
    parts = [f'<svg viewBox="0 0 {_WIDTH} {height + 22}" role="img" aria-label="alarms over time">']
    for place, (medium, high) in enumerate(slices):
        for value, name in ((medium, "low"), (high, "high")):
            tall = height * value / most
            parts.append(
                f'<rect class="{name}" x="{place * step + 1:.1f}" y="{height - tall:.1f}" width="{step - 2:.1f}" '
                f'height="{tall:.1f}"/>'
            )
    parts.append(f'<line class="grid" x1="0" x2="{_WIDTH}" y1="{height}" y2="{height}"/>')
    parts.append(f'<text x="0" y="{height + 15}">{text(first)}</text>')
    parts.append(f'<text x="{_WIDTH}" y="{height + 15}" text-anchor="end">{text(last)}</text></svg>')
    return "".join(parts)


def reliability_drawing(bands: Sequence[Band]) -> str:
    """Return predicted against seen on log-odds axes, each band with its interval."""
    size, left, top = 320, 46, 8
    parts = [f'<svg viewBox="0 0 {size + left + 12} {size + top + 34}" role="img" aria-label="reliability">']
    for tick in _TICKS:
        x, y = left + size * _odds(tick), top + size * (1 - _odds(tick))
        words = f"{100 * tick:g} %"
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{top + size}"/>')
        parts.append(f'<line class="grid" x1="{left}" x2="{left + size}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{x:.1f}" y="{top + size + 15}" text-anchor="middle">{words}</text>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{words}</text>')
    parts.append(f'<line class="even" x1="{left}" y1="{top + size}" x2="{left + size}" y2="{top}"/>')
    for band in bands:
        x = left + size * _odds(band.predicted)
        low, seen, high = (top + size * (1 - _odds(one)) for one in (band.seen_low, band.seen, band.seen_high))
        parts.append(f'<line class="reach" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>')
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{seen:.1f}" r="4.5"/>')
    parts.append(
        f'<text x="{left + size / 2}" y="{top + size + 31}" text-anchor="middle">predicted, seen above</text></svg>'
    )
    return "".join(parts)


def _odds(probability: float) -> float:
    """Return where a probability stands on a log-odds axis from 0 to 1."""
    kept = min(max(probability, _LEAST / 2), 1 - 1e-3)
    low, high = math.log(_LEAST / 2), math.log(999)
    return (math.log(kept / (1 - kept)) - low) / (high - low)
