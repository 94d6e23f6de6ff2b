"""A model that one worker blocks is blocked in every worker, and one that an administrator frees is free in all."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ostiary.response.blocks import ModelBlocks
from ostiary.server.places import Places
from ostiary.server.scorers import Scorers
from ostiary.testing.memory_cards import MemoryCards
from ostiary.testing.parts import FixedScorer


def worker(folder: Path, blocks: ModelBlocks) -> Scorers:
    (folder / "shipped").mkdir(exist_ok=True)
    load: Callable[[str, Path], Any] = lambda _tenant, _source: FixedScorer(0.5)  # noqa: E731
    return Scorers(Places(folder), None, [folder / "shipped"], load, lambda *_told: None, blocked=blocks.is_blocked)


def test_a_block_of_one_worker_holds_in_all(tmp_path: Path) -> None:
    blocks = ModelBlocks(MemoryCards())
    one, other = worker(tmp_path, blocks), worker(tmp_path, blocks)
    assert one.scorer("acme") is not None
    assert other.scorer("acme") is not None
    assert blocks.block("acme", FixedScorer.digest, "tampered", 1)
    one.reload("acme")  # what the step does where it is carried out
    assert [other.heed_blocks(), other.heed_blocks()] == [1, 0]
    assert other.scorer("acme") is None
    assert blocks.free("acme", FixedScorer.digest)
    assert other.heed_blocks() == 1
    assert other.scorer("acme") is not None


def test_a_server_heeds_a_block_that_it_did_not_make(start_server: Callable[..., Any]) -> None:
    server = start_server()
    scorers, digest = server.house.scorers, FixedScorer.digest
    scorers._scorers["default"] = FixedScorer(0.5)
    ModelBlocks(server.house.store.cards).block("default", digest, "by another worker", 1)
    began = time.monotonic()
    while getattr(scorers._scorers["default"], "digest", "") == digest:
        assert time.monotonic() - began < 10
        time.sleep(0.05)
