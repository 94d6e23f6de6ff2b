"""How fast one stream moves from the log on disk to a receiver: python benchmarks/bench_streams.py --records 20000.

Records of decisions' size lie in a log in SQLite; one stream sends them to files, and to a receiver that only counts.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ostiary.audit import AuditLog
from ostiary.keys import open_keys
from ostiary.response.streams.event import Receiver, StreamEvent
from ostiary.response.streams.jsonl import JsonlReceiver
from ostiary.response.streams.pump import Pump, StreamPlan
from ostiary.storage.sqlite import open_store
from ostiary.vocabulary.clock import SystemClock

PAYLOAD = json.dumps({"action": "pep.add", "by": "ann", "told": "x" * 1_500}).encode()


class CountingReceiver:
    """Takes everything and looks at its documents."""

    batch = 500

    def deliver(self, events: Sequence[StreamEvent], now_ns: int) -> None:
        """Make each document."""
        del now_ns
        for one in events:
            one.document()


def main() -> None:
    """Print one line of JSON for each receiver."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=20_000)
    records, clock = parser.parse_args().records, SystemClock()
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "ostiary.db", clock) as store:
        ring, vault = open_keys(Path(folder) / "keys", store, clock)
        with AuditLog(store, vault, ring, clock) as log:
            last = [log.append("default", "admin", f"r{n}", clock.now_ns(), PAYLOAD, "") for n in range(records)][-1]
            last.result(120)
            files = JsonlReceiver(Path(folder) / "out", 256 << 20, 2)
            receivers: dict[str, Receiver] = {"counting": CountingReceiver(), "jsonl": files}
            for name, receiver in receivers.items():
                plan = StreamPlan(tenant="default", name=name, contents=("admin",), from_start=True)
                stream = Pump(plan, receiver, log, store.cards, clock, lambda _reason, _fault: None)
                begun, sent = time.perf_counter(), 0
                while (moved := stream.turn()) > 0:
                    sent += moved
                took = time.perf_counter() - begun
                print(json.dumps({"receiver": name, "events": sent, "events_per_s": round(sent / took)}))


if __name__ == "__main__":
    main()
