"""What README and tutorials tell people to type is there, and answers as they say."""

import contextlib
import io
import json
import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from ostiary.cli.app import build_app
from ostiary.testing.served import Served

PAGES = ("README.md", "CONTRIBUTING.md", "docs/tutorial/first-ten-minutes.md", "docs/tutorial/your-own-history.md")
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
BODY = re.compile(r"-d '(\{.*\})'")


def commands(page: Path) -> list[str]:
    """Return what the page's console blocks have after a prompt, continued lines joined."""
    blocks = "\n".join(BLOCK.findall(page.read_text())).replace("\\\n", " ")
    return [line[2:].strip() for line in blocks.splitlines() if line.startswith("$ ")]


def ours(repo: Path) -> list[tuple[str, str]]:
    found = [(name, command) for name in PAGES for command in commands(repo / name)]
    return [(name, command) for name, command in found if re.match(r"(\.venv/bin/)?ostiary ", command)]


@cache
def help_of(*verb: str) -> str:
    """Return what the command says of a verb, asked in this process: others take half a second each to begin."""
    out, arguments = io.StringIO(), ["ostiary", *verb, "--help"]
    typed = patch.dict(os.environ, COLUMNS="200"), patch.object(sys, "argv", arguments)
    with typed[0], typed[1], contextlib.redirect_stdout(out), pytest.raises(SystemExit) as ended:
        build_app()(arguments[1:])
    assert not ended.value.code, verb
    return out.getvalue()


def test_there_is_something_to_type(repo: Path) -> None:
    assert len(ours(repo)) >= 12


def test_every_verb_and_option_is_there(repo: Path) -> None:
    wrong = []
    for page, command in ours(repo):
        words = re.split(r"\s+[<|>]\s+", command)[0].split()[1:]
        text = help_of(words[0])
        if len(words) > 1 and re.search(rf"^│ {re.escape(words[1])}\s", text, re.MULTILINE):
            text = help_of(words[0], words[1])
        wrong += [f"{page}: {command}: {word}" for word in words if word.startswith("--") and f"{word} " not in text]
    assert wrong == []


def test_every_make_target_is_there(repo: Path) -> None:
    makefile = (repo / "Makefile").read_text()
    targets = {
        found for name in PAGES for found in re.findall(r"^\$? *make (\w+)", (repo / name).read_text(), re.MULTILINE)
    }
    assert {"up", "test"} <= targets
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


def test_every_just_recipe_is_there(repo: Path) -> None:
    justfile = (repo / "justfile").read_text()
    texts = [(repo / name).read_text() for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md")]
    recipes = {found for text in texts for found in re.findall(r"[`/ ]just (\w+)", text)}
    assert {"check", "new", "rooms"} <= recipes
    assert [recipe for recipe in recipes if not re.search(rf"^{recipe}\b.*:", justfile, re.MULTILINE)] == []


@pytest.mark.slow
def test_the_first_questions_are_answered_as_the_pages_say(repo: Path, tmp_path: Path) -> None:
    """The ids differ; everything else is what a reader sees."""
    told: dict[str, dict[str, Any]] = {}
    for name in ("README.md", "docs/tutorial/first-ten-minutes.md"):
        text = "\n".join(BLOCK.findall((repo / name).read_text())).replace("\\\n", " ")
        for question, answer in re.findall(r"^\$ curl .*?-d '(\{.*?\})'\n(\{.*\})$", text, re.MULTILINE):
            told[question] = json.loads(answer)
    assert len(told) == 2
    with Served(tmp_path / "data") as server:
        headers = {"Authorization": f"Bearer {server.pep_key}", "Content-Type": "application/json"}
        for question, answer in told.items():
            got = httpx.post(f"{server.url}/access/v1/evaluation", content=question, headers=headers).json()
            assert {**got, "context": {**got["context"], "id": ""}} == {
                **answer,
                "context": {**answer["context"], "id": ""},
            }
