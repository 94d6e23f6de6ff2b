import re
import subprocess
import sys
from pathlib import Path

FRAGMENT = re.compile(r"(\+[a-z0-9-]+|\d+)\.(feature|bugfix|doc|removal|misc)(\.\d+)?\.md")


def fragments(repo: Path) -> list[Path]:
    return sorted(path for path in (repo / "changelog.d").iterdir() if path.name not in {".gitignore", ".gitkeep"})


def test_every_fragment_is_named_so_that_it_is_found(repo: Path) -> None:
    assert [path.name for path in fragments(repo) if not FRAGMENT.fullmatch(path.name)] == []


def test_a_fragment_is_one_short_paragraph(repo: Path) -> None:
    for path in fragments(repo):
        text = path.read_text().strip()
        assert 20 < len(text) < 600, path.name
        assert "\n\n" not in text, path.name


def test_the_changelog_can_be_drafted(repo: Path) -> None:
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "next"]
    drafted = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=True).stdout
    assert "next" in drafted
    assert not fragments(repo) or "No significant changes" not in drafted
