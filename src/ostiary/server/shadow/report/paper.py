"""The shadow report on paper: a PDF set by Typst, without a browser and without the network.

- Everything from a log reaches the template as *data* (JSON); a string there is text and never markup, whatever it
  says. The template is ours, and no part of it is made up of anything that comes from outside.
- The compiler sees a folder with one template in it, and nothing else of ours. Needs the extra ``report``.
"""

import json
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from ostiary.errors import UnavailableError
from ostiary.server.shadow.report.pictures import days_drawing, reliability_of, standing, thresholds_drawing
from ostiary.server.shadow.report.sheet import Sheet, Step
from ostiary.server.shadow.report.words import count, facts, precision_words, sentence, share, title, warnings

TEMPLATE: Final = "paper.typ"
_FEW_STEPS: Final = 14


def paper(sheet: Sheet, digest: str) -> bytes:
    """Return the report as PDF; ``digest`` names the kept copy.

    Raises:
        UnavailableError: ``extra_missing``, or ``paper_failed``.
    """
    try:
        import typst  # noqa: PLC0415 - an extra
    except ImportError:
        raise UnavailableError("extra_missing", "pages for print need `ostiary[report]`") from None
    inputs = {"told": json.dumps(told(sheet, digest))}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / TEMPLATE).write_bytes(files(__package__).joinpath(TEMPLATE).read_bytes())
        try:
            made = typst.compile(folder / TEMPLATE, root=folder, format="pdf", sys_inputs=inputs, package_path=folder)
        except (RuntimeError, ValueError) as fault:
            raise UnavailableError("paper_failed", "the page for print could not be set") from fault
    return bytes(made)


def told(sheet: Sheet, digest: str) -> dict[str, Any]:
    """Return what the template is told: texts and tables of texts."""
    phase = f", phase {sheet.phase.replace('_', '-')}" if sheet.phase else ""
    names = ". Names are pseudonyms" if sheet.anonymous else ""
    thresholds = thresholds_drawing(sheet.steps, sheet.budget.asked)
    return {
        "title": title(sheet),
        "sentence": sentence(sheet),
        "of": f"Tenant {sheet.tenant}{phase}, model {sheet.model or 'none'}{names}. Nothing of it was done.",
        "digest": digest,
        "warnings": list(warnings(sheet)),
        "facts": facts(sheet),
        "days": standing(days_drawing(sheet.daily, sheet.budget.asked)),
        "thresholds": standing(thresholds) if thresholds else "",
        "steps": _table(("threshold", "a day", "people", "precision", "recall"), [_step(one) for one in _few(sheet)]),
        "precision": precision_words(sheet),
        "reliability": standing(reliability_of(sheet.reliability)) if sheet.reliability else "",
        "people": [{"name": one.name, "hits": f"{one.hits:,} in all", "words": one.words} for one in sheet.people],
        "patterns": _patterns(sheet),
        "drift": _table(
            ("column", "PSI", "missing then", "missing now", "verdict"),
            [
                [one.name, _index(one.psi), share(one.missing_before), share(one.missing_now), one.verdict]
                for one in sheet.drift
            ],
        ),
        "flips": _table(
            ("answer", "decisions"),
            [[name.replace("_", " "), f"{number:,}"] for name, number in (*sheet.flips.items(), *sheet.missed.items())],
        ),
        "notes": list(sheet.notes),
    }


def _table(head: tuple[str, ...], rows: list[list[str]]) -> dict[str, Any]:
    return {"head": list(head), "rows": rows}


def _few(sheet: Sheet) -> list[Step]:
    every = max(1, len(sheet.steps) // _FEW_STEPS)
    return list(sheet.steps[::every])


def _step(one: Step) -> list[str]:
    users = "not kept" if one.users is None else f"{one.users:,}"
    return [f"{one.threshold:.4g}", count(one.a_day), users, share(one.precision), share(one.recall)]


def _patterns(sheet: Sheet) -> list[dict[str, Any]]:
    found = []
    for of in dict.fromkeys(one.of for one in sheet.patterns):
        rows = [
            [one.name, f"{one.hits:,}", f"{one.accesses:,}", _times(one.lift), f"{one.wrong:,} of {one.judged:,}"]
            for one in sheet.patterns
            if one.of == of
        ]
        found.append({"of": of, **_table((of, "hits", "accesses", "against average", "wrong of judged"), rows)})
    return found


def _times(lift: float | None) -> str:
    return "not told" if lift is None else f"{lift:.1f} times"


def _index(psi: float | None) -> str:
    return "not told" if psi is None else f"{psi:.3f}"
