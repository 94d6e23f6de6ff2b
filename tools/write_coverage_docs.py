"""Write ``docs/reference/signal-coverage.md``: what other products detect, and which of our features see it.

The rows are ``tools/signal_coverage.toml``. A row names features that exist, or says why there are none; a test keeps
page and rows equal and holds every name.

python tools/write_coverage_docs.py
"""

import tomllib
from pathlib import Path
from typing import Any, Final

from ostiary.signals.features import NAMES

ROOT: Final = Path(__file__).resolve().parent.parent
ROWS: Final = ROOT / "tools" / "signal_coverage.toml"
PAGE: Final = ROOT / "docs" / "reference" / "signal-coverage.md"
HEAD: Final = """# What the signals cover

Made by `tools/write_coverage_docs.py` from `tools/signal_coverage.toml`; a test keeps page and rows equal and holds
every name. The left column is what another product detects, under its own names; the middle names features of
[the catalogue](signals.md) that move when it happens. *Covered* means that the evidence is there for a model to weigh,
not that we measured how often it catches the case: what we measured is told in
[the risk model](../explanation/risk-model.md).
"""
Row = dict[str, Any]


def products() -> list[dict[str, Any]]:
    """Return the products with their rows."""
    found: list[dict[str, Any]] = tomllib.loads(ROWS.read_text())["product"]
    return found


def faults(row: Row) -> list[str]:
    """Return what is wrong with a row."""
    features, because = row.get("features", []), row.get("because", "")
    wrong = [f"`{row['id']}` names `{name}`, which is no feature" for name in features if name not in NAMES]
    if bool(features) == bool(because):
        wrong.append(f"`{row['id']}` needs features, or a reason why it has none")
    if because and row.get("lacks"):
        wrong.append(f"`{row['id']}` lacks nothing beside everything")
    return wrong + [f"`{row['id']}` has an unknown member `{name}`" for name in row.keys() - _MEMBERS]


_MEMBERS: Final = {"id", "features", "lacks", "because"}


def page() -> str:
    """Return the page's text."""
    lines = [HEAD]
    for product in products():
        rows = product["rows"]
        full = sum(1 for row in rows if row.get("features") and not row.get("lacks"))
        part = sum(1 for row in rows if row.get("lacks"))
        none = len(rows) - full - part
        lines += [f"## {product['name']}\n", f"From {product['source']}.", ""]
        lines += [f"{len(rows)} rows: {full} covered, {part} in part, {none} not.\n"]
        lines += ["| detection | features | what is left |", "| --- | --- | --- |", *map(line, rows), ""]
    return "\n".join(lines)


def line(row: Row) -> str:
    """Return one row of the table."""
    names = ", ".join(f"`{name}`" for name in row.get("features", []))
    if names:
        return f"| {row['id']} | {names} | {row.get('lacks', '')} |"
    return f"| {row['id']} | not covered | {row['because']} |"


if __name__ == "__main__":
    if wrong := [fault for product in products() for row in product["rows"] for fault in faults(row)]:
        raise SystemExit("\n".join(wrong))
    PAGE.write_text(page())
    print(f"wrote {PAGE}")
