"""Verbs are found by looking into their folder, and each says what it is for."""

import subprocess
import sys

import pytest

from ostiary.cli.app import asks_for_help, describe, verb_names


def test_a_leading_underscore_is_no_verb() -> None:
    assert verb_names()
    assert not [name for name in verb_names() if name.startswith("_")]


@pytest.mark.parametrize("name", verb_names())
def test_every_verb_says_in_a_line_what_it_is_for(name: str) -> None:
    words = describe(name)
    assert 15 < len(words) < 140
    assert words.endswith(".")
    assert words[0].isupper()


def test_verbs_are_read_only_for_the_list_of_verbs() -> None:
    assert asks_for_help(["ostiary"])
    assert asks_for_help(["ostiary", "--help"])
    assert not asks_for_help(["ostiary", "up", "--help"])


def test_an_unknown_verb_is_a_usage_error() -> None:
    done = subprocess.run([sys.executable, "-m", "ostiary.cli", "frob"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "frob" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
