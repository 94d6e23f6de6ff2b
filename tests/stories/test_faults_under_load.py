"""Faults come one after another while callers ask: nothing is lost, doubled, loosened or crossed, and it comes back.

The short form of `benchmarks/fault_campaign.py`; its full form and what came of it: docs/explanation/fault-campaign.md.
"""

import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="faults are made with Linux's signals and LD_PRELOAD")


@pytest.mark.slow
def test_every_invariant_holds_through_a_short_campaign(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(repo))
    from benchmarks.faults.campaign import Plan, run  # noqa: PLC0415 - found by the line above

    told: list[str] = []
    result = run(Plan(seed=20261127, faults=24, per_deployment=24, askers=2, pause_s=0.1, within_s=60.0), told.append)
    assert result.broken == ""
    assert len(result.injected) == 24
    assert result.counts["allowed"] > 50
    assert result.counts["ends_acknowledged"] > 5
    assert result.counts["foreign_asked"] > 5
