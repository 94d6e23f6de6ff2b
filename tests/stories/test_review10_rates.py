"""Replicas without Valkey grant each rate by themselves: whoever runs them must be told (HOUSE, law 4)."""

from pathlib import Path

from ostiary.defence.rates import RateAsk
from ostiary.keys import open_keys
from ostiary.server.shared.over_store import OverStore
from ostiary.storage.sqlite import open_store
from ostiary.testing.fake_clock import FakeClock


def test_a_multiple_of_a_rate_is_told_of(tmp_path: Path) -> None:
    clock = FakeClock()
    store = open_store(tmp_path / "ostiary.db", clock)
    _, vault = open_keys(tmp_path / "keys", store, clock)
    replicas = [OverStore(store, vault, clock, 50) for _ in range(3)]
    ask, now = RateAsk("user:ann", 1_000_000_000, 1), clock.now_ns()
    granted = [one.rates().admit("acme", [ask], now) == 0 for one in replicas]
    told = [remark.text for remark in replicas[0].remarks() if remark.bad is not None]
    assert granted.count(True) == 1 or any("rate" in text for text in told)
    store.close()
