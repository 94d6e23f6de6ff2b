"""kill -9 at any moment: every record that was acknowledged is there, the log verifies, and it goes on."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from ostiary.audit.verifier import Memory, Verifier
from ostiary.storage.sqlite import open_source, open_store
from ostiary.testing.fake_clock import FakeClock

ROUNDS = 12
CHILD = """
import sys
from pathlib import Path
from ostiary.audit import AuditLog
from ostiary.keys import open_keys
from ostiary.storage.sqlite import open_store
from ostiary.vocabulary.clock import SystemClock

home, start, clock = Path(sys.argv[1]), sys.argv[2], SystemClock()
store = open_store(home / "ostiary.db", clock)
ring, vault = open_keys(home / "keys", store, clock)
log = AuditLog(store, vault, ring, clock)
number = 0
while True:
    names = [f"dec_{start}_{number + n}" for n in range(8)]
    now = clock.now_ns()
    futures = [log.append("default", "decision", name, now, b"x" * 300, f"u{n}") for n, name in enumerate(names)]
    for name, future in zip(names, futures):
        future.result()
        print(name, flush=True)
    number += 8
"""


def _run_and_kill(home: Path, number: int, wait_s: float) -> list[str]:
    """Append as fast as it goes, kill without warning, return what was acknowledged."""
    command = [sys.executable, "-c", CHILD, str(home), str(number)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(wait_s)
        child.send_signal(signal.SIGKILL)
        acknowledged = [first, *child.stdout.readlines()]
        child.wait(10)
    return [line.strip() for line in acknowledged if line.endswith("\n")]


def test_every_acknowledged_record_survives_kill_minus_nine(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - moments to kill at
    memory: Memory | None = None
    acknowledged: list[str] = []
    for number in range(ROUNDS):
        acknowledged += _run_and_kill(tmp_path, number, chance.uniform(0.0, 0.15))
        with open_source(tmp_path / "ostiary.db", tmp_path / "keys") as source:
            verifier = Verifier(source, memory)
            memory = verifier.run()
        assert verifier.report.findings == []
        with open_store(tmp_path / "ostiary.db", FakeClock()) as store:
            size = store.head().size
            rows = store.rows(0, size)
        assert len(rows) == size
        assert set(acknowledged) <= {row.record_id for row in rows}
    assert len(acknowledged) > ROUNDS
