"""What the console is made of: others' files unchanged, nothing inline or from elsewhere, no name without a file."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ostiary.console.assets import assets
from ostiary.console.icons import icons
from ostiary.console.navigation import NAVIGATION
from ostiary.console.rendering import Renderer, Viewer, shown
from ostiary.console.style import style_page
from ostiary.errors import FaultyInputError

ROOT = Path(__file__).resolve().parents[3]
CONSOLE = ROOT / "src" / "ostiary" / "console"
TEMPLATES = sorted((CONSOLE / "templates").rglob("*.html"))
SCRIPTS = sorted((CONSOLE / "static").glob("*.js"))
PLAIN = {"tt.js"}


def test_what_others_made_is_as_it_was_brought() -> None:
    command = [sys.executable, str(ROOT / "tools" / "vendor.py"), "--check"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_nothing_inline_and_nothing_from_elsewhere(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"\sstyle=|\son\w+=|javascript:|https?://(?!www\.w3\.org)", text)
    assert not re.search(r"<script(?![^>]*(nonce=|application/json))", text)
    assert set(re.findall(r"\{\{[^}]*\|\s*safe\s*\}\}", text)) <= {"{{ icons[name] | safe }}"}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_what_htmx_reads_carries_the_nonce(template: Path) -> None:
    tags = re.findall(r"<[a-z][^>]*\shx-(?:get|post|put|patch|delete)=[^>]*>", template.read_text())
    assert all('hx-nonce="{{ nonce }}"' in tag for tag in tags)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_makes_no_html(script: Path) -> None:
    text = re.sub(r"//.*", "", script.read_text())
    assert not re.search(r"outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|\.innerHTML", text)


def test_every_icon_of_the_navigation_is_there() -> None:
    assert {page.icon for group in NAVIGATION for page in group.pages} <= icons().keys()


def test_keys_lead_to_one_page_each() -> None:
    keys = [page.keys for group in NAVIGATION for page in group.pages if page.keys]
    assert len(keys) == len(set(keys))


def test_a_changed_file_has_another_path() -> None:
    path = assets().path("console.css")
    found = assets().find(path)
    assert found is not None
    assert found.kind.startswith("text/css")
    assert assets().find(path.replace(assets().prefix, "/static/console/0000000000000000/")) is None
    assert assets().find(assets().prefix + "../__init__.py") is None


def test_a_file_that_is_not_there_is_a_fault() -> None:
    with pytest.raises(FaultyInputError):
        assets().path("nothing.js")


def test_every_page_has_a_nonce_of_its_own() -> None:
    renderer, viewer = Renderer(), Viewer("a", "owner", "default")
    one, other = (dict(renderer.page("style.html", viewer, "/", rows=[], data={}).headers) for _ in range(2))
    assert one["content-security-policy"] != other["content-security-policy"]
    assert "unsafe" not in one["content-security-policy"]


def test_hostile_names_stay_text() -> None:
    body = style_page(Renderer()).body.decode()
    assert "<b>mal</b>" not in body
    assert "&lt;b&gt;mal&lt;/b&gt;\ufffdgnp.exe" in body


def test_a_text_is_cut_where_nobody_reads_on() -> None:
    assert shown("a" * 400) == "a" * 300 + "…"
