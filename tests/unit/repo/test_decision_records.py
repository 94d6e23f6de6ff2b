import re
from pathlib import Path

NAME = re.compile(r"(\d{4})-[a-z0-9]+(-[a-z0-9]+)*\.md")
PARTS = ["## Context", "## Decision", "## Considered", "## Consequences"]
LONGEST = 110  # lines: one page and a half


def records(repo: Path) -> list[Path]:
    return sorted((repo / "docs" / "adr").glob("*.md"))


def test_numbers_rise_by_one_and_are_used_once(repo: Path) -> None:
    names = [NAME.fullmatch(path.name) for path in records(repo)]
    assert all(names), [path.name for path in records(repo) if not NAME.fullmatch(path.name)]
    assert [int(name[1]) for name in names if name] == list(range(len(names)))


def test_every_record_has_its_parts_in_order(repo: Path) -> None:
    for path in records(repo):
        lines = path.read_text().splitlines()
        number = path.name[:4]
        assert lines[0].startswith(f"# {number} — "), path.name
        assert any(
            re.match(r"Status: (accepted|replaced by \d{4}) · \d{4}-\d{2}-\d{2}$", line) for line in lines[:5]
        ), path.name
        places = [lines.index(part) if part in lines else -1 for part in PARTS]
        assert -1 not in places, (path.name, PARTS[places.index(-1)])
        assert places == sorted(places), path.name


def test_records_stay_short(repo: Path) -> None:
    assert [path.name for path in records(repo) if len(path.read_text().splitlines()) > LONGEST] == []


def test_a_record_that_is_cited_exists(repo: Path, sources: list[Path], pages: list[Path]) -> None:
    known = {path.name[:4] for path in records(repo)}
    cited = {
        (number, str(path.relative_to(repo)))
        for path in [*sources, *pages]
        for number in re.findall(r"ADR-(\d{4})", path.read_text())
    }
    assert sorted(where for where in cited if where[0] not in known) == []
