import re
from pathlib import Path
from urllib.parse import unquote

LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"`((?:src|docs|policies|models|tests|tools|requirements|benchmarks|changelog\.d)/[\w./*{},-]+)`")


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text())


def anchor(heading: str) -> str:
    words = re.sub(r"[^\w\s-]", "", heading.lower().replace("`", "")).strip()
    return re.sub(r"[\s]+", "-", words)


def anchors(page: Path) -> set[str]:
    return {anchor(heading) for heading in re.findall(r"^#+\s+(.+)$", prose(page), re.MULTILINE)}


def test_every_link_leads_somewhere(repo: Path, pages: list[Path]) -> None:
    broken = []
    for page in pages:
        for link in LINK.findall(prose(page)):
            if re.match(r"[a-z]+:", link):
                continue
            target, _, fragment = unquote(link).partition("#")
            place = (page.parent / target).resolve() if target else page
            if not place.exists() or (fragment and place.suffix == ".md" and fragment not in anchors(place)):
                broken.append(f"{page.relative_to(repo)}: {link}")
    assert broken == []


def test_the_path_that_a_page_names_exists(repo: Path) -> None:
    """The pages at the root tell people where to go; what they name must be there."""
    missing = [
        f"{page.name}: {path}"
        for page in sorted(repo.glob("*.md"))
        for path in PATH.findall(prose(page))
        if not _exists(repo, path)
    ]
    assert missing == []


def _exists(repo: Path, path: str) -> bool:
    if "NAME" in path:  # a pattern for what the reader will write
        return (repo / path).parent.is_dir()
    return any(True for choice in _choices(path) for _ in repo.glob(choice.rstrip("/")))


def _choices(path: str) -> list[str]:
    found = re.search(r"\{([^}]*)\}", path)
    if not found:
        return [path]
    return [path[: found.start()] + word + path[found.end() :] for word in found[1].split(",")]
