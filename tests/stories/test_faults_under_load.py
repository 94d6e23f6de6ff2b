"""Faults come one after another while callers ask: nothing is lost, doubled, loosened or crossed, and it comes back.

The short form of `benchmarks/fault_campaign.py`; its full form and what came of it: docs/explanation/fault-campaign.md.
"""

import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="faults are made with Linux's signals and LD_PRELOAD")


# Those that cost seconds for a restart each are few here: the whole of them is the full campaign's.
KINDS = (
    "clock_ahead",
    "clock_back",
    "disk_full",
    "issuer_keys_gone",
    "kill_worker",
    "log_key",
    "network_cut",
    "network_lossy",
    "network_silent",
    "network_slow",
    "no_space",
    "policy_bundle",
    "slow_disk",
    "stop_worker",
    "sync_fails",
    "torn_write",
    "write_fails",
)


@pytest.mark.slow
@pytest.mark.allow_hosts(["127.0.0.1", "localhost", "10.213.0.0/16"])  # the last: the far end of the campaign's wire
def test_every_invariant_holds_through_a_short_campaign(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(repo))
    from benchmarks.faults.campaign import Plan, run  # noqa: PLC0415 - found by the line above

    told: list[str] = []
    plan = Plan(
        seed=20261127, faults=len(KINDS), per_deployment=len(KINDS), askers=2, pause_s=0.1, within_s=60.0, only=KINDS
    )
    result = run(plan, told.append)
    assert result.broken == "", told
    assert len(result.injected) == plan.faults
    assert result.counts["allowed"] > 50
    assert result.counts["ends_acknowledged"] > 5
    assert result.counts["foreign_asked"] > 5
