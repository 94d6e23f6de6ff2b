"""What sealing conversations costs: append and read beside plain SQLite with the same durability, in the same run.

    python benchmarks/bench_conversations.py [--messages 300] [--bytes 1000] [--rounds 3] [--folder DIR] [--json]

``sealed`` is the product: sealed, chained, with a record in the signed log for each append. ``plain`` is one table of
texts, WAL and synchronous=FULL, one transaction an append. ``crypto_us`` is sealing and opening alone, in memory.
Figures are medians over rounds; ``*_per_s`` count appends of one message and messages read, by one thread.
"""

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ostiary.audit import AuditLog
from ostiary.keys import ConversationKey, Place, open_keys
from ostiary.storage.sqlite import open_store
from ostiary.testing.conversation_scene import said, scene
from ostiary.vocabulary.clock import SystemClock


def timed(work: Callable[[], object], count: int) -> float:
    """Return how many a second."""
    begun = time.perf_counter()
    work()
    return count / (time.perf_counter() - begun)


def sealed(folder: Path, messages: int, text: str) -> dict[str, float]:
    """Append to one conversation of the product and read it."""
    clock = SystemClock()
    folder.mkdir(mode=0o700)
    with open_store(folder / "o.db", clock) as store:
        ring, vault = open_keys(folder / "keys", store, clock)
        with AuditLog(store, vault, ring, clock) as log:
            conversations = scene(log, store.conversations, folder / "keys" / "conversations", clock)
            ident = conversations.create("default", "user:ann").id

            def append() -> None:
                for _ in range(messages):
                    conversations.append("default", "user:ann", ident, [said(text)])

            def read() -> None:
                assert len(conversations.read("default", "user:ann", ident).messages) == messages

            told = {"append_per_s": timed(append, messages), "read_per_s": timed(read, messages)}
    size = sum(path.stat().st_size for path in folder.glob("o.db*"))
    return {**told, "bytes_per_message": size / messages}


def plain(folder: Path, messages: int, text: str) -> dict[str, float]:
    """Append to one table and read it."""
    folder.mkdir(mode=0o700)
    base = sqlite3.connect(folder / "o.db", isolation_level=None)
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("PRAGMA synchronous = FULL")
    base.execute("CREATE TABLE messages (conversation TEXT, idx INTEGER, text TEXT, PRIMARY KEY (conversation, idx))")

    def append() -> None:
        for number in range(messages):
            base.execute("INSERT INTO messages VALUES ('c', ?, ?)", (number, text))

    def read() -> None:
        assert (
            len(base.execute("SELECT text FROM messages WHERE conversation = 'c' ORDER BY idx").fetchall()) == messages
        )

    told = {"append_per_s": timed(append, messages), "read_per_s": timed(read, messages)}
    base.close()
    return {**told, "bytes_per_message": (folder / "o.db").stat().st_size / messages}


def crypto(text: str, count: int = 5_000) -> float:
    """Return the microseconds of sealing and opening one message."""
    place, body = Place("default", "0" * 32, "conv_1", 0, 1), text.encode()
    key = ConversationKey(bytes(32), bytes(32), place)

    def both() -> None:
        for _ in range(count):
            key.open(place, key.seal(place, body))

    return 1e6 / timed(both, count)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--bytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    text = "x" * asked.bytes
    rounds: dict[str, list[dict[str, float]]] = {"sealed": [], "plain": []}
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        for number in range(asked.rounds):
            rounds["sealed"].append(sealed(Path(folder) / f"s{number}", asked.messages, text))
            rounds["plain"].append(plain(Path(folder) / f"p{number}", asked.messages, text))
    told: dict[str, object] = {
        name: {figure: round(statistics.median(one[figure] for one in found), 1) for figure in found[0]}
        for name, found in rounds.items()
    }
    told["crypto_us"] = round(crypto(text), 1)
    if asked.json:
        print(json.dumps({"messages": asked.messages, "bytes": asked.bytes, **told}))
        return
    for name, figures in told.items():
        print(f"{name:<10} {figures}")


if __name__ == "__main__":
    main()
