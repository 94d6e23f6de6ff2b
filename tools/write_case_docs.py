"""Write the page of decision cases from the case files: one row a case, in the words that the case itself says.

python tools/write_case_docs.py
"""

import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "tests" / "cases" / "decision"
PAGE = ROOT / "docs" / "reference" / "decision-cases.md"
HEAD = """# Decision cases

Each row is a file in `tests/cases/decision/`. It runs through the shipped policy on the real engine, the law and the
obligations, so what stands here is what happens. This page is made by `python tools/write_case_docs.py`.

| case | in words | effect | reasons |
|---|---|---|---|
"""


def page() -> str:
    """Return the page's text."""
    rows = []
    for path in sorted(CASES.glob("*.yaml")):
        case = yaml.safe_load(path.read_text())
        reasons = ", ".join(f"`{reason}`" for reason in case["want"]["reasons"])
        rows.append(f"| {path.stem} | {case['sentence']} | {case['want']['effect']} | {reasons} |")
    return HEAD + "\n".join(rows) + "\n"


def main() -> None:
    """Write the page and say where."""
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
