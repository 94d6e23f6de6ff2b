"""The supervisor with small stand-in workers: each is a real process on the real socket."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# A worker that answers each connection with its own number; what it is sent tells it what to do.
WORKER = """
import os, signal, socket, sys, threading, time
listener = socket.socket(fileno=int(sys.argv[1])); channel = socket.socket(fileno=int(sys.argv[2]))
mode = sys.argv[3]
ending = threading.Event()
def end(*_):
    if mode != "stubborn": ending.set()
signal.signal(signal.SIGTERM, end)
if mode == "dies": os._exit(3)
def watch():
    while channel.recv(1): pass
    os._exit(0)
threading.Thread(target=watch, daemon=True).start()
listener.settimeout(0.02)
if mode != "never_ready": channel.sendall(b"ready\\n")
while not ending.is_set():
    try: client, _ = listener.accept()
    except TimeoutError: continue
    client.settimeout(1)
    word = client.recv(100)
    if word == b"die": os._exit(9)
    if word == b"stuck": channel.sendall(b"noise\\nstuck\\n")
    if word == b"slow": time.sleep(1)
    client.sendall(str(os.getpid()).encode()); client.close()
sys.exit(0)
"""

PARENT = """
import sys
from ostiary.server.supervisor import Supervisor, SupervisorSettings, bind
worker, modes, drain = sys.argv[1], sys.argv[2].split(","), float(sys.argv[3])
listener = bind("127.0.0.1", 0)
def command(listening, channel):
    mode = modes.pop(0) if len(modes) > 1 else modes[0]
    return [sys.executable, worker, str(listening), str(channel), mode]
def ready(): print("ready", listener.getsockname()[1], flush=True)
settings = SupervisorSettings(drain_s=drain, start_s=20, first_pause_s=0.05, last_pause_s=0.2)
def log(event, **members): print(event, members, file=sys.stderr, flush=True)
boss = Supervisor(command, listener, settings, on_ready=ready, log=log)
sys.exit(boss.run())
"""

Boss = tuple["subprocess.Popen[str]", int]


@pytest.fixture
def boss(tmp_path: Path) -> Iterator[Callable[..., Boss]]:
    worker, parent = tmp_path / "worker.py", tmp_path / "parent.py"
    worker.write_text(WORKER)
    parent.write_text(PARENT)
    running: list[subprocess.Popen[str]] = []

    def start(modes: str = "good", drain_s: float = 2) -> Boss:
        process = subprocess.Popen(
            [sys.executable, str(parent), str(worker), modes, str(drain_s)], stdout=subprocess.PIPE, text=True
        )
        running.append(process)
        assert process.stdout is not None
        word, port = process.stdout.readline().split()
        assert word == "ready"
        return process, int(port)

    yield start
    for process in running:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def ask(port: int, word: bytes = b"who") -> int:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(word)
        return int(client.recv(100) or b"0")


def until(condition: Callable[[], bool], within_s: float = 5) -> None:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError


def is_alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_a_killed_worker_is_replaced_and_no_connection_is_refused(boss: Callable[..., Boss]) -> None:
    process, port = boss()
    seen = set()
    for _ in range(3):
        pid = ask(port)
        seen.add(pid)
        os.kill(pid, signal.SIGKILL)
        seen.add(ask(port))  # waits in the backlog until the successor takes it
    assert len(seen) == 4
    assert process.poll() is None


def test_a_stuck_worker_is_replaced_without_a_gap(boss: Callable[..., Boss]) -> None:
    _, port = boss()
    old = ask(port, b"stuck")
    until(lambda: ask(port) != old)
    until(lambda: not is_alive(old))


def test_a_worker_that_does_not_end_is_killed(boss: Callable[..., Boss]) -> None:
    _, port = boss("stubborn,good", drain_s=0.3)
    old = ask(port, b"stuck")
    until(lambda: not is_alive(old))
    assert ask(port) != old


def test_a_successor_that_never_gets_ready_leaves_the_old_one_serving(boss: Callable[..., Boss]) -> None:
    _, port = boss("good,never_ready,good")
    old = ask(port, b"stuck")
    time.sleep(0.5)
    assert is_alive(old)


def test_workers_that_die_young_are_started_again(boss: Callable[..., Boss]) -> None:
    _, port = boss("good,dies,dies,good")
    os.kill(ask(port), signal.SIGKILL)
    assert ask(port) > 0


def test_a_first_worker_that_cannot_serve_ends_it_with_its_code(tmp_path: Path) -> None:
    worker, parent = tmp_path / "worker.py", tmp_path / "parent.py"
    worker.write_text(WORKER)
    parent.write_text(PARENT)
    done = subprocess.run([sys.executable, str(parent), str(worker), "dies", "1"], check=False, timeout=30)
    assert done.returncode == 3


def test_a_hangup_replaces_the_worker(boss: Callable[..., Boss]) -> None:
    process, port = boss()
    old = ask(port)
    process.send_signal(signal.SIGHUP)
    until(lambda: not is_alive(old))
    assert ask(port) != old


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_drains_and_ends_well(boss: Callable[..., Boss], number: signal.Signals) -> None:
    process, port = boss()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"slow")
        time.sleep(0.5)
        process.send_signal(number)
        assert int(client.recv(100)) > 0
    assert process.wait(5) == 0


def test_a_worker_ends_when_its_parent_is_gone(boss: Callable[..., Boss]) -> None:
    process, port = boss()
    pid = ask(port)
    process.kill()
    process.wait()
    until(lambda: not is_alive(pid))
