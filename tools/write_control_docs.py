"""Write the page of controls from ``tools/controls.yaml``: what each framework asks for, and the tests that show it.

python tools/write_control_docs.py
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "tools" / "controls.yaml"
PAGE = ROOT / "docs" / "reference" / "controls.md"
HEAD = """# Controls of four frameworks

What Ostiary does for each control, and the tests of this repository that show it. *Left to others* says where our part
ends; an empty cell there is a claim, and the tests beside it are what it rests on. None of this is a certificate. This
page is made by `python tools/write_control_docs.py` from `tools/controls.yaml`; a test proves that every test named
here exists.
"""


def frameworks() -> list[dict[str, Any]]:
    """Return what the file says."""
    found: list[dict[str, Any]] = yaml.safe_load(SOURCE.read_text())
    return found


def shown() -> list[str]:
    """Return every test that is named, each once."""
    return sorted({one for framework in frameworks() for item in framework["items"] for one in item["shown"]})


def page() -> str:
    """Return the page's text."""
    return HEAD + "".join(line for framework in frameworks() for line in _section(framework))


def _section(framework: dict[str, Any]) -> Iterator[str]:
    yield f"\n## {framework['name']}\n\n<{framework['source']}>\n\n"
    yield "| control | asks for | what Ostiary does | shown by | left to others |\n|---|---|---|---|---|\n"
    for item in framework["items"]:
        tests = "<br>".join(f"`{one.removeprefix('tests/')}`" for one in item["shown"])
        yield f"| {item['id']} | {item['asks']} | {item['does']} | {tests} | {item['left']} |\n"


def main() -> None:
    """Write the page and say where."""
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
