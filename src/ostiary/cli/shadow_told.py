"""The shadow report on the terminal: the sentence first, then what a person asks next."""

from collections.abc import Iterator, Mapping
from typing import Final

from ostiary.cli.output import out, plain, print_table
from ostiary.server.shadow.report.sheet import Sheet
from ostiary.server.shadow.report.words import count, facts, precision_words, sentence, share, title, warnings

_FEW: Final = 10
Row = Mapping[str, str]


def tell(sheet: Sheet, digest: str) -> None:
    """Print a report; ``digest`` names the kept copy."""
    _say(title(sheet))
    _say(sentence(sheet))
    for one in warnings(sheet):
        _say(f"! {one}")
    columns = [name for name, _ in facts(sheet)]
    print_table("what would have been", columns, [dict(facts(sheet))])
    _say(precision_words(sheet))
    if sheet.steps:
        print_table("thresholds", ("from score", "a day", "people", "precision", "recall"), _steps(sheet))
    if sheet.patterns:
        columns = ["by", "name", "hits", "accesses", "against average", "wrong of judged"]
        print_table("where it would have hit, the most wrongs first", columns, _patterns(sheet))
    for person in sheet.people:
        _say(f"{person.name}: {person.words}")
    if sheet.drift:
        print_table("drift since training", ("what", "stability index", "missing", "verdict"), _drift(sheet))
    if sheet.flips:
        _say(", ".join(f"{number:,} {name}" for name, number in sheet.flips.items()))
    for note in sheet.notes:
        _say(f"not told: {note}")
    _say(f"report {digest}")


def _steps(sheet: Sheet) -> Iterator[Row]:
    every = max(1, len(sheet.steps) // _FEW)
    for one in sheet.steps[::every]:
        yield {
            "from score": f"{one.threshold:.4g}",
            "a day": count(one.a_day),
            "people": "not kept" if one.users is None else f"{one.users:,}",
            "precision": share(one.precision),
            "recall": share(one.recall),
        }


def _patterns(sheet: Sheet) -> Iterator[Row]:
    for one in sheet.patterns:
        yield {
            "by": one.of,
            "name": one.name,
            "hits": f"{one.hits:,}",
            "accesses": f"{one.accesses:,}",
            "against average": "not told" if one.lift is None else f"{one.lift:.1f} times",
            "wrong of judged": f"{one.wrong:,} of {one.judged:,}",
        }


def _drift(sheet: Sheet) -> Iterator[Row]:
    for one in sheet.drift:
        yield {
            "what": one.name,
            "stability index": "not told" if one.psi is None else f"{one.psi:.3f}",
            "missing": f"{one.missing_before:.1%} to {one.missing_now:.1%}",
            "verdict": one.verdict,
        }


def _say(text: str) -> None:
    out.print(plain(text), markup=False)
