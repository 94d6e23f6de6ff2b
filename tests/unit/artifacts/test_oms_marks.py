"""Version marks in a file: they never fall, two writers cannot both win, and unreadable ones are not forgotten."""

import threading
from pathlib import Path

import pytest

from ostiary.artifacts.oms import FileMarks, VersionMark
from ostiary.errors import UnavailableError


def test_a_mark_never_falls(tmp_path: Path) -> None:
    marks = FileMarks(tmp_path / "marks.json")
    assert marks.find("t", "fraud", "production") is None
    assert marks.advance("t", "fraud", "production", VersionMark(3, "c")) == VersionMark(3, "c")
    assert marks.advance("t", "fraud", "production", VersionMark(2, "b")) == VersionMark(3, "c")
    assert marks.advance("t", "fraud", "production", VersionMark(3, "other")) == VersionMark(3, "c")
    assert FileMarks(tmp_path / "marks.json").find("t", "fraud", "production") == VersionMark(3, "c")


def test_marks_of_one_do_not_count_for_another(tmp_path: Path) -> None:
    marks = FileMarks(tmp_path / "marks.json")
    marks.advance("t", "fraud", "production", VersionMark(3, "c"))
    for other in (("u", "fraud", "production"), ("t", "credit", "production"), ("t", "fraud", "staging")):
        assert marks.find(*other) is None
    marks.advance("t", 'fraud","production', "x", VersionMark(9, "d"))  # names cannot be put together to another's
    assert marks.find("t", "fraud", "production") == VersionMark(3, "c")


def test_of_many_at_once_the_highest_stands(tmp_path: Path) -> None:
    def climb(start: int) -> None:
        for version in range(start, 40, 4):
            FileMarks(tmp_path / "marks.json").advance("t", "fraud", "production", VersionMark(version, str(version)))

    threads = [threading.Thread(target=climb, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert FileMarks(tmp_path / "marks.json").find("t", "fraud", "production") == VersionMark(39, "39")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": {"version": "x"}}'])
def test_broken_marks_are_no_empty_marks(text: str, tmp_path: Path) -> None:
    (tmp_path / "marks.json").write_text(text)
    with pytest.raises(UnavailableError) as caught:
        FileMarks(tmp_path / "marks.json").find("t", "fraud", "production")
    assert caught.value.code == "artifact_marks_unavailable"


def test_marks_need_their_folder(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        FileMarks(tmp_path / "nowhere" / "marks.json").advance("t", "fraud", "production", VersionMark(1, "a"))
