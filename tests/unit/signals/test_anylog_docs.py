"""What the pages say of mappings is so: the examples run, the reference is made from the code, no code is missing."""

import json
import re
import runpy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostiary.signals.anylog.mapping import load
from ostiary.signals.importing import Accepted, EventCounts

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r'"(mapping_[a-z_]+)"')


def examples(repo: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Each log, the mapping after it, and the event that the page shows after that."""
    blocks = BLOCK.findall((repo / "docs" / "how-to" / "map-any-log.md").read_text())
    places = [place for place, (kind, text) in enumerate(blocks) if kind == "yaml" and text.startswith("mapping:")]
    return [(blocks[at - 1][1], blocks[at][1], json.loads(blocks[at + 1][1])) for at in places]


def test_the_examples_of_the_page_do_what_it_says(repo: Path) -> None:
    assert len(examples(repo)) == 3
    for log, text, wanted in examples(repo):
        first = next(iter(load(text.encode(), "page.yaml").read([log.encode()], "default")))
        assert isinstance(first, Accepted), first
        told = json.loads(msgspec.json.encode(first.event))
        assert {name: told.get(name) for name in wanted} == wanted


def test_the_counts_of_the_page(repo: Path) -> None:
    log, text, _ = examples(repo)[0]
    found, counts = load(text.encode(), "doors.yaml"), EventCounts()
    for outcome in found.read([log.encode()], "default"):
        counts.count(outcome)
    told = f"{len(found.fields)} fields from {len(found.columns)} columns"
    page = (repo / "docs" / "how-to" / "map-any-log.md").read_text()
    assert told in page
    assert f"{counts.read} read = {counts.accepted} accepted + {counts.rejected} rejected" in page


@pytest.fixture(scope="module")
def tool(repo: Path) -> dict[str, Any]:
    return runpy.run_path(str(repo / "tools" / "write_mapping_docs.py"))


def test_the_reference_is_the_codes_own(repo: Path, tool: dict[str, Any]) -> None:
    written = (repo / "docs" / "reference" / "mappings.md").read_text()
    assert written == tool["page"](), "run `python tools/write_mapping_docs.py`"


def test_every_code_is_in_the_reference(repo: Path, tool: dict[str, Any]) -> None:
    sources = [*(repo / "src/ostiary/signals/anylog").glob("*.py"), repo / "src/ostiary/signals/formats.py"]
    assert {code for path in sources for code in CODE.findall(path.read_text())} == set(tool["CODES"])
