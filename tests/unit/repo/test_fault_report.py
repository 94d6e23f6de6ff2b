"""The page of the fault campaign is what its committed report makes of itself, and every kind of fault has words."""

from pathlib import Path

import msgspec
import pytest


def test_the_page_is_written_from_the_report(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(repo))
    from benchmarks.faults.report import PATH, Report, render  # noqa: PLC0415 - found by the line above

    report = msgspec.json.decode((repo / PATH).read_bytes(), type=Report)
    assert (repo / "docs" / "explanation" / "fault-campaign.md").read_text("utf-8") == render(report)
    assert report.result.broken == ""


def test_every_kind_of_fault_has_a_name_of_its_own_and_words(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(repo))
    from benchmarks.faults.campaign import INJECTIONS  # noqa: PLC0415 - as above
    from benchmarks.faults.report import WORDS  # noqa: PLC0415 - as above

    names = [one.name for one in INJECTIONS]
    assert len(names) == len(set(names))
    assert set(names) == set(WORDS)
