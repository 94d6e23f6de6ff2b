"""A bundle that is looked at again is read again, and parsed only where it changed."""

import os
from pathlib import Path

from ostiary.server.drafts import loading
from ostiary.server.drafts.loading import MOST, load_bundle


def test_a_change_shows_whatever_its_time_and_size_say(tmp_path: Path) -> None:
    file = tmp_path / "a.rego"
    file.write_text("package a")
    one = load_bundle(tmp_path)
    assert load_bundle(tmp_path) is one
    told = file.stat()
    file.write_text("package b")
    os.utime(file, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert load_bundle(tmp_path).digest != one.digest


def test_few_are_kept(tmp_path: Path) -> None:
    for number in range(MOST + 3):
        (tmp_path / "a.rego").write_text(f"package a{number}")
        load_bundle(tmp_path)
    assert len(loading._parsed) <= MOST
