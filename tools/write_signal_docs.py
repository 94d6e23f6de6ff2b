"""Write ``docs/reference/signals.md`` from the signal catalogue itself; a test keeps page and catalogue equal.

python tools/write_signal_docs.py
"""

from pathlib import Path

from ostiary.signals.families import MEANING
from ostiary.signals.features import FEATURES
from ostiary.signals.signal import MISSING, FeatureSpec

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "signals.md"
HEAD = """# Signals

Made by `tools/write_signal_docs.py` from the catalogue itself; a test keeps page and catalogue equal.

Each row is one number about one access, worked out from the event and from what was known before it. What is not told
is *missing* (NaN to the model), which is never the same as zero and never reads as safe: the flag named beside it goes
up. *Risk grows with* says in which direction the model may use a number: `more` and `less` are enforced when a model is
trained, an empty cell leaves it to the data. *Reads* names fields of the access event, a member of a fact group as
`token.age_s`; *not told* says what the model sees when they are absent, and `-` that every event tells them.
What of other products' detections each is good for: [coverage](signal-coverage.md).
"""
TABLE = [
    "| signal | what it is | unit | risk grows with | reads | not told | owner | file |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
]
GROWS = {1: "more", -1: "less", 0: ""}


def page() -> str:
    """Return the page's text."""
    lines = [HEAD]
    for family, meaning in MEANING.items():
        rows = [row(spec) for spec in FEATURES if spec.family == family]
        lines += [f"## {family.capitalize()}\n", f"{meaning[0].upper()}{meaning[1:]}. {len(rows)} signals.\n"]
        lines += [*TABLE, *rows, ""]
    files = len({spec.signal for spec in FEATURES})
    lines.append(f"{len(FEATURES)} signals in {files} files of `src/ostiary/signals/catalogue/`.")
    return "\n".join(lines) + "\n"


def row(spec: FeatureSpec) -> str:
    """Return one signal's row."""
    describe = spec.describe.replace("|", "\\|")
    reads = ", ".join(f"`{source}`" for source in spec.sources)
    cells = (describe, spec.unit, GROWS[spec.monotone], reads, not_told(spec), spec.owner, f"`{spec.signal}.py`")
    return f"| `{spec.name}` | {' | '.join(cells)} |"


def not_told(spec: FeatureSpec) -> str:
    """Return what the model sees when the sources are absent, and which flags say so."""
    if not spec.flags:
        return "-" if spec.default == MISSING else spec.default
    return f"{spec.default}; {', '.join(f'`{flag}`' for flag in spec.flags)}"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
    print(f"wrote {PAGE}")
