"""A training command that wants out: by the network, the kernel, the files, the proxy. As root and as an ordinary user.

``ostiary.testing.attacks_on_sandbox`` holds the attacks; they run as the command of a real sandbox. The probes that
every start makes are other code. Where bubblewrap cannot run the tests are skipped with a word, and fail where CI=true.
"""

import json
import os
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path

import msgspec
import pytest

from ostiary.pipeline.training.egress import EgressRule
from ostiary.testing.attacks_on_sandbox import MAIN, common, script, to_copy
from ostiary.testing.sandboxes import NOBODY, SMALL, Trial, Tried, as_user

ANSWER = "the answer of a server that was reached"
MODES = ["root", "root_outside", "user"]


def runs_here() -> str:
    """Return why no sandbox can run here, or nothing."""
    if not Path("/usr/bin/bwrap").exists():
        return "bubblewrap is not installed: tools/system.sh"
    tried = Trial().run("print('hello')")
    return tried.message if tried.refused == "training_sandbox_died" else ""


@pytest.fixture(scope="module", autouse=True)
def _bubblewrap():
    why = runs_here()
    if why:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"no sandbox runs here: {why}")


def run(mode: str, source: str, *arguments: str, more=None, **how) -> Tried:
    """Run a script in a sandbox: as root with a user of its own, as root that stays root outside, as a user."""
    if os.getuid() and mode != "user":
        pytest.skip("needs root")
    trial = Trial(keep_user=mode == "root_outside", **how)
    if mode == "user":
        found: Tried = as_user(lambda: trial.run(source, *arguments, files=more), Tried)
        return found
    return trial.run(source, *arguments, files=more)


class Baits:
    """What there is on the host to be reached."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="ostiary-bait-")
        Path(self.folder).chmod(0o755)
        Path(self.folder, "secret").write_text("the host's secret")
        Path(self.folder, "secret").chmod(0o644)
        self.name = Path(self.folder).name
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.abstract, self.unix = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        self.abstract.bind("\0" + self.name)
        self.unix.bind(f"{self.folder}/sock")
        Path(self.folder, "sock").chmod(0o777)
        self.visitors: list[bytes] = []
        for one in (self.abstract, self.unix):
            one.listen()
        self.threads = [threading.Thread(target=self._serve, args=(one,), daemon=True) for one in self.all]

    @property
    def all(self):
        return (self.tcp, self.abstract, self.unix)

    def _serve(self, listener):
        try:
            while True:
                with listener.accept()[0] as one:
                    one.settimeout(5)
                    self.visitors.append(one.recv(100))
                    one.sendall(ANSWER.encode())
        except OSError:
            return

    def told(self):
        port = self.tcp.getsockname()[1]
        return {
            "tcp": port, "abstract": self.name, "unix": f"{self.folder}/sock", "secret": f"{self.folder}/secret",
            "pid": os.getpid(), "marker": "a-marker-of-the-parent", "answer": ANSWER,
            "allowed": f"registry.example:{port}",
            "refused": [
                f"127.0.0.1:{port}", f"localhost:{port}", f"2130706433:{port}", f"0x7f000001:{port}", f"[::1]:{port}",
                f"[::ffff:127.0.0.1]:{port}", f"registry.example.:{port}", f"registry.example:{port + 1}",
                f"evil.registry.example:{port}", f"registry.example.evil.example:{port}", "unlisted.example:443",
                f"REGISTRY.EXAMPLE\t:{port}", f"registry.example:{port}/", f"0:{port}", "169.254.169.254:80",
            ],
        }  # fmt: skip

    def close(self):
        for one in self.all:
            one.shutdown(socket.SHUT_RDWR)  # whoever waits in accept is woken
            one.close()
        for thread in self.threads:
            if thread.is_alive():
                thread.join(5)
        shutil.rmtree(self.folder)


@pytest.fixture
def baits(monkeypatch):
    monkeypatch.setenv("OSTIARY_MARKER", "a-marker-of-the-parent")
    found = Baits()
    yield found
    found.close()


@pytest.mark.parametrize("mode", MODES)
def test_none_of_the_attacks_gets_out(baits, mode):
    told = baits.told()
    rule = EgressRule("registry.example", told["tcp"], addresses=("127.0.0.1",))
    if mode != "user":  # a child has the listeners, but not the threads
        for thread in baits.threads:
            thread.start()
    tried = run(mode, MAIN, json.dumps(told), more=to_copy(), rules=[rule])
    assert not tried.refused, tried.message
    found = json.loads(tried.said.splitlines()[-1])["found"]
    escaped = {name: words for name, words in found.items() if not words.startswith("held")}
    assert not escaped
    assert len(found) >= 60
    assert set(found) == set(script.ATTACKS)
    assert b"out" not in baits.visitors
    assert set(tried.probes.values()) == {"held"}
    assert len(tried.probes) >= 70


def test_outside_of_a_sandbox_the_baits_are_reached(baits):
    # What shows that the attacks can succeed at all.
    for thread in baits.threads:
        thread.start()
    common.TOLD.update(baits.told())
    for name in ("host_loopback", "abstract_socket", "socket_file", "host_secret", "parent_process"):
        assert script.ATTACKS[name](), name
    deadline = time.monotonic() + 10
    while b"out" not in baits.visitors and time.monotonic() < deadline:
        time.sleep(0.01)
    assert b"out" in baits.visitors


def test_nobody_stays_behind():
    tried = run("root", "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)\n")
    assert tried.user > 0x7000_0000
    living = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if place.stat().st_uid == tried.user and "State:\tZ" not in (place / "status").read_text():
                living.append(place.name)
        except OSError:
            continue
    assert living == []


def test_a_process_left_behind_changes_no_output_after_the_end():
    script = """
import os
if os.fork() == 0:
    os.setsid()
    while True:
        with open('/outputs/late', 'ab', buffering=0) as file:
            file.write(b'x')
        os.truncate('/outputs/late', 0)
"""
    for _ in range(5):
        tried = run("user" if os.getuid() else "root", script)
        assert not tried.refused, tried.message
        assert [one.size in (0, 1) for one in tried.outputs] in ([], [True])


def test_root_is_nobody_outside():
    if os.getuid():
        pytest.skip("needs root")
    tried = run("root", "import os; print(os.getuid())")
    assert tried.said.split() == [str(NOBODY)]
    assert tried.user == tried.owner > 0x7000_0000
    assert run("root_outside", "").owner == 0


FORK_BOMB = """
import os, sys, time
made = 0
try:
    while made < 5000:
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        made += 1
except OSError as no:
    print("stopped", made, no.errno)
"""


@pytest.mark.parametrize("mode", MODES)
def test_a_fork_bomb_ends_at_the_limit(mode):
    tried = run(mode, FORK_BOMB)
    word, made, number = tried.said.split()
    assert (word, number) == ("stopped", "11")
    assert 10 < int(made) < 70


FILL = """
import os
total = 0
for folder in ("/tmp", "/dev/shm", "/outputs", "/run/egress", "/dev", "/", "/workspace", "/var", "/etc", "/home"):
    for number in range(64):
        try:
            with open(f"{folder}/fill-{number}", "wb", buffering=0) as file:
                while True:
                    total += file.write(b"x" * 65536)
        except OSError:
            continue
print(total)
"""


@pytest.mark.parametrize("mode", MODES)
def test_no_disk_is_filled(mode):
    tried = run(mode, FILL, collecting=False)
    assert 15 << 20 < int(tried.said) < (8 + 4 + 4 + 1) << 20


EAT = """
held = []
try:
    for _ in range(64):
        held.append(bytearray(b"x") * (32 << 20))
    print("ate", len(held))
except MemoryError:
    print("stopped")
"""


@pytest.mark.parametrize("mode", MODES)
def test_memory_ends_at_the_limit(mode):
    tried = run(mode, EAT)
    assert "ate" not in tried.said
    assert tried.said.strip() == "stopped" or tried.status in (-9, 137)


def test_time_ends():
    short = msgspec.structs.replace(SMALL, wall_s=1)
    tried = run("user" if os.getuid() else "root", "import time; time.sleep(60)", limits=short)
    assert tried.timed_out


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("import os; os.symlink('/etc/passwd', '/outputs/model.bin')", "plain file"),
        ("import os; os.symlink('/etc', '/outputs/folder')", "plain file"),
        ("import os; os.mkfifo('/outputs/pipe')", "plain file"),
        ("import socket; s = socket.socket(socket.AF_UNIX); s.bind('/outputs/sock')", "plain file"),
        ("import os; open('/outputs/a', 'w'); os.link('/outputs/a', '/outputs/b')", "plain file"),
        ("open('/outputs/a\\nb', 'w')", "name"),
        ("open('/outputs/\\u202e', 'w')", "name"),
        ("[open(f'/outputs/{n}', 'w') for n in range(11)]", "more than 10"),
        ("import os; os.makedirs('/outputs/' + 'd/' * 12)", "deep"),
    ],
)
def test_only_plain_files_leave(script, why):
    tried = run("user" if os.getuid() else "root", script)
    assert tried.refused == "training_output_refused"
    assert why in tried.message
    assert tried.outputs == []


@pytest.mark.parametrize("mode", MODES)
def test_outputs_leave_with_their_digests(mode):
    tried = run(mode, "import os; os.mkdir('/outputs/m'); open('/outputs/m/w.bin', 'wb').write(b'hello')")
    assert not tried.refused, tried.message
    assert [(one.name, one.size, one.sha256[:8]) for one in tried.outputs] == [("m/w.bin", 5, "2cf24dba")]


def test_a_command_that_is_not_there_is_told():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        tried = Trial()._run(["no-such-program"], Path(folder))
    assert tried.refused == "training_command_failed"
