"""Write ``docs/reference/signals.md`` from the signal catalogue itself; a test keeps page and catalogue equal.

python tools/write_signal_docs.py
"""

from pathlib import Path

from ostiary.signals.features import FEATURES
from ostiary.signals.signal import FeatureSpec

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "signals.md"
HEAD = """# Signals

Made by `tools/write_signal_docs.py` from the catalogue itself; a test keeps page and catalogue equal.

Each row is one number about one access, worked out from the event and from what was known before it. What is not told
is *missing*, which is never the same as zero. *Risk grows with* says in which direction the model may use a number:
`more` and `less` are enforced when a model is trained, an empty cell leaves it to the data.
"""
TABLE = ["| signal | what it is | unit | risk grows with | file |", "| --- | --- | --- | --- | --- |"]
GROWS = {1: "more", -1: "less", 0: ""}


def page() -> str:
    """Return the page's text."""
    lines = [HEAD]
    for family in dict.fromkeys(spec.family for spec in FEATURES):
        lines += [f"## {family.capitalize()}\n", *TABLE]
        lines += [row(spec) for spec in FEATURES if spec.family == family]
        lines.append("")
    files = len({spec.signal for spec in FEATURES})
    lines.append(f"{len(FEATURES)} signals in {files} files of `src/ostiary/signals/catalogue/`.")
    return "\n".join(lines) + "\n"


def row(spec: FeatureSpec) -> str:
    """Return one signal's row."""
    describe = spec.describe.replace("|", "\\|")
    return f"| `{spec.name}` | {describe} | {spec.unit} | {GROWS[spec.monotone]} | `{spec.signal}.py` |"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
    print(f"wrote {PAGE}")
