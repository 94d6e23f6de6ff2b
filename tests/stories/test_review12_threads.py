"""An attack on the clocks of threads: whoever reads the metrics must not end the process."""

import subprocess
import sys
import threading
import time

from ostiary.server.telemetry.threads import seconds

SCENE = """
import _thread, threading, time
from ostiary.server.telemetry.threads import seconds
threading.stack_size(64 << 20)  # beyond what the C library keeps of stacks
gate = threading.Event()
def foreign():
    threading.current_thread()  # Python takes note of it, and never hears of its end
    gate.wait()
for _ in range(6):
    _thread.start_new_thread(foreign, ())
while len(threading.enumerate()) < 7:
    time.sleep(0.01)
gate.set()
time.sleep(0.3)
print(sum(seconds().values()) > 0)
"""


def test_a_foreign_thread_that_ended_does_not_end_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", SCENE], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "True\n")


def test_a_thread_is_told_what_it_used() -> None:
    gate, busy = threading.Event(), threading.Event()

    def work() -> None:
        until = time.thread_time() + 0.05
        while time.thread_time() < until:
            pass
        busy.set()
        gate.wait(10)

    thread = threading.Thread(target=work, name="decide-9")
    before = seconds()["decide"]
    thread.start()
    assert busy.wait(10)
    told = seconds()["decide"] - before
    gate.set()
    thread.join()
    assert told > 0.04
