"""What if the sandbox were built wrongly? Each of these mistakes is found by its own probes, and no command runs."""

import ctypes
import fcntl
import importlib
import os
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostiary.pipeline.training.bpf import ALLOW, assemble, give
from ostiary.testing.sandboxes import Trial, Tried, as_user

module: Any = importlib.import_module("ostiary.pipeline.training.sandbox")
spawning: Any = importlib.import_module("ostiary.pipeline.training.spawning")
REAL = spawning.arguments


@pytest.fixture(scope="module", autouse=True)
def _bubblewrap():
    tried = Trial().run("print('hello')") if Path("/usr/bin/bwrap").exists() else None
    if tried is None or tried.refused == "training_sandbox_died":
        words = "no sandbox runs here: tools/system.sh installs bubblewrap"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(words)


def attempt(**how) -> Tried:
    return Trial(**how).run("open('/outputs/ran', 'w')")


def refused(tried: Tried, *names: str) -> None:
    assert tried.refused == "training_sandbox_leaks", (tried.refused, tried.message, tried.said)
    assert tried.outputs == []
    assert any(name in tried.message for name in names), tried.message


def without(words: list[str], *gone: str) -> list[str]:
    """Return ``words`` without a run of them."""
    for place in range(len(words)):
        if words[place : place + len(gone)] == list(gone):
            return words[:place] + words[place + len(gone) :]
    raise AssertionError(gone)


def weaken(monkeypatch, change) -> None:
    monkeypatch.setattr(spawning, "arguments", lambda *told: change(REAL(*told)))


def test_kernel_settings_that_root_could_write(monkeypatch):
    if os.getuid():
        pytest.skip("needs root: an ordinary user could not write them anyway")
    weaken(monkeypatch, lambda words: without(words, "--ro-bind", "/proc/sys", "/proc/sys"))
    refused(attempt(keep_user=True), "kernel_settings")


@pytest.mark.parametrize(
    ("gone", "name"),
    [
        (("--remount-ro", "/dev"), "create_in_dev"),
        (("--remount-ro", "/"), "create_in_root"),
        (("--hostname", "sandbox"), "hostname"),
    ],
)
def test_a_place_to_write_or_a_name_that_tells(monkeypatch, gone, name):
    weaken(monkeypatch, lambda words: without(words, *gone))
    refused(attempt(), name)


@pytest.mark.parametrize(
    ("more", "name"),
    [
        (("--ro-bind", "/sys", "/sys"), "no_sys"),
        (("--bind", "/var", "/var"), "files.root"),
        (("--tmpfs", "/tmp"), "bounded"),  # noqa: S108
        (("--dev-bind", "/dev", "/dev"), "devices"),
    ],
)
def test_something_too_much(monkeypatch, more, name):
    def change(words):
        at = words.index("--dir")
        return [*words[:at], *more, *words[at:]]

    weaken(monkeypatch, change)
    refused(attempt(), name, "files.")


def test_the_temporary_folder_of_the_host(monkeypatch):
    def change(words):
        at = words.index("--dir")
        return [*words[:at], "--bind", "/tmp", "/tmp", *words[at:]]  # noqa: S108

    weaken(monkeypatch, change)
    refused(attempt(), "host_file")


def test_processes_of_the_host_are_seen(monkeypatch):
    def change(words):
        kept = without(words, "--unshare-user", "--unshare-all")
        return ["--unshare-user", "--unshare-net", "--unshare-ipc", "--unshare-uts", *kept]

    weaken(monkeypatch, change)
    tried = attempt()
    assert tried.refused in {"training_sandbox_leaks", "training_sandbox_died"}
    assert tried.outputs == []


def test_no_filter(monkeypatch):
    monkeypatch.setattr(spawning, "_filter", lambda *_told, **_more: assemble([give(ALLOW)]))
    refused(attempt(), "kernel.", "network.")


def test_the_parents_environment(monkeypatch):
    real = subprocess.Popen
    monkeypatch.setattr(
        spawning.subprocess, "Popen", lambda *told, **how: real(*told, **{**how, "env": {"SECRET": "x"}})
    )
    refused(attempt(), "environment_of_init")


def test_a_descriptor_too_many(monkeypatch):
    real = subprocess.Popen
    number = os.open("/etc", os.O_RDONLY)

    def more(*told, **how):
        return real(*told, **{**how, "pass_fds": [*how["pass_fds"], number]})

    monkeypatch.setattr(spawning.subprocess, "Popen", more)
    try:
        refused(attempt(), "descriptors")
    finally:
        os.close(number)


def test_a_limit_that_was_not_set(monkeypatch):
    real = module.Sandbox._order

    def order(self, *told):
        found = real(self, *told)
        return {**found, "rlimits": {**found["rlimits"], "RLIMIT_NOFILE": 1 << 40}}

    monkeypatch.setattr(module.Sandbox, "_order", order)
    tried = attempt()
    assert tried.refused in {"training_sandbox_died", "training_sandbox_leaks"}
    assert tried.outputs == []


def test_probes_that_did_not_run(monkeypatch):
    real = module.Sandbox._order
    monkeypatch.setattr(module.Sandbox, "_order", lambda self, *told: {**real(self, *told), "probes": False})
    refused(attempt(), "nothing was tried")


def test_a_probe_that_could_not_be_made(monkeypatch):
    real = module.Sandbox._order
    monkeypatch.setattr(
        module.Sandbox, "_order", lambda self, *told: {n: v for n, v in real(self, *told).items() if n != "abstract"}
    )
    refused(attempt(), "abstract_socket failed")


def test_a_proxy_that_lets_everything_through(monkeypatch):
    monkeypatch.setattr("ostiary.pipeline.training.pinning.Pins.allows", lambda *_told: True)
    monkeypatch.setattr("ostiary.pipeline.training.pinning.Pins.addresses", lambda *_told: ("127.0.0.1",))
    monkeypatch.setattr("ostiary.pipeline.training.connect.parse_target", _anything)
    refused(attempt(), "proxy.", "bait")


def _anything(text):
    from ostiary.pipeline.training.egress import Target  # noqa: PLC0415

    host, _, port = text.rpartition(":")
    return Target(host, int(port))


def test_a_bait_that_was_touched(monkeypatch):
    real = module.Canaries.visited
    monkeypatch.setattr(module.Canaries, "visited", lambda self: [*real(self), "loopback"])
    refused(attempt(), "bait")


def _own_network(work):
    """Do work in a network namespace of our own: what gets out of a sandbox there gets nowhere."""
    assert ctypes.CDLL(None).unshare(0x4000_0000) == 0
    with socket.socket() as one:
        fcntl.ioctl(one, 0x8914, struct.pack("16sh14x", b"lo", 0x49))
    return work()


def test_the_network_of_the_host(monkeypatch):
    if os.getuid():
        pytest.skip("needs root")

    def change(words):
        at = words.index("--unshare-all") + 1
        return [*words[:at], "--share-net", *words[at:]]

    weaken(monkeypatch, change)
    tried = as_user(lambda: _own_network(attempt), Tried, user=0)
    refused(tried, "network.host_loopback", "network.")
    assert "host_loopback escaped" in tried.message or "bait" in tried.message or "network." in tried.message


def test_unchanged_it_starts():
    assert [one.name for one in attempt().outputs] == ["ran"]


def test_a_sandbox_of_root_without_a_bound_on_processes_does_not_start(monkeypatch):
    if os.getuid():
        pytest.skip("needs root")
    monkeypatch.setattr(module, "make_groups", lambda *_told: module.ControlGroups({}, 1))
    assert attempt(keep_user=True).refused == "training_unbounded"
    tried = attempt()
    assert not tried.refused
    assert tried.limits["pids"] == "rlimit"
    assert msgspec.to_builtins(tried.outputs)
