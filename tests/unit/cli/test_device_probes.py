"""A made-up machine under a folder: what the probes say of it, and that they say nothing they do not know."""

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli.device.looking import MAX_OUTPUT, Machine, NotToldError
from ostiary.cli.device.probes import probe
from ostiary.cli.device.state import AgentState, Enrolment
from ostiary.cli.device.talking import check_url
from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.identity.devices.posture import read_posture

NOW = 1_790_000_000_000_000_000
EFI = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


class Made:
    """Files and programs of a machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def file(self, name: str, content: str | bytes = "") -> "Made":
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self

    def program(self, name: str, script: str) -> "Made":
        self.file(f"usr/bin/{name}", f"#!/bin/sh\n{script}\n")
        (self.root / "usr/bin" / name).chmod(0o755)
        return self

    def probe(self) -> Any:
        return probe(Machine(self.root), NOW)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def test_a_machine_that_says_nothing_tells_nothing(made: Made) -> None:
    told = made.probe()
    assert told.posture == {}
    assert set(told.untold) == {
        "disk_encrypted",
        "edr_alive",
        "firewall",
        "patch_age_s",
        "rooted",
        "screen_lock",
        "secure_boot",
    }
    assert all(told.untold.values())
    assert told.os == ""


def test_a_good_machine(made: Made) -> None:
    made.file("proc/self/mountinfo", "22 1 253:1 / / rw shared:1 - ext4 /dev/mapper/root rw\n")
    made.file("sys/dev/block/253:1/slaves/dm-0").file("sys/class/block/dm-0/dm/uuid", "CRYPT-LUKS2-abc\n")
    made.file(EFI, b"\x06\0\0\0\x01").file("proc/sys/kernel/tainted", "4096\n")
    made.file("proc/7/comm", "falcon-sensor\n").file("proc/8/comm", "gnome-shell\n").file("proc/self/x")
    made.file("etc/ufw/ufw.conf", "# ufw\nENABLED=yes\n").file("var/lib/dpkg/status")
    os.utime(made.root / "var/lib/dpkg/status", (NOW / 1e9 - 500, NOW / 1e9 - 500))
    made.program("gsettings", 'case "$3" in lock-enabled) echo true;; *) echo "uint32 300";; esac')
    made.file("etc/os-release", 'NAME="x"\nPRETTY_NAME="Debian 13"\n').file("proc/sys/kernel/osrelease", "6.18\n")
    told = made.probe()
    assert told.posture == {
        "disk_encrypted": True,
        "edr_alive": True,
        "firewall": True,
        "patch_age_s": 500.0,
        "rooted": False,
        "screen_lock": True,
        "secure_boot": True,
    }
    assert (told.untold, told.os) == ({}, "Debian 13 · 6.18")
    assert read_posture(told.posture).disk_encrypted is True


def test_one_bare_way_down_to_a_disk_is_enough(made: Made) -> None:
    made.file("proc/self/mountinfo", "22 1 253:2 / / rw - xfs /dev/vg/root rw\n")
    made.file("sys/dev/block/253:2/slaves/dm-0").file("sys/dev/block/253:2/slaves/sdb1")
    made.file("sys/class/block/dm-0/dm/uuid", "CRYPT-LUKS2-abc").file("sys/class/block/sdb1/size")
    assert made.probe().posture["disk_encrypted"] is False


@pytest.mark.parametrize(
    "mounts",
    [
        "",
        "rubbish",
        "22 1 0:30 / / rw - overlay overlay rw\n",
        "22 1 0:30 / / rw - zfs pool rw\n",
        "1 1 9:9 / / r - a b\n",
    ],
)
def test_a_root_on_no_known_disk_is_not_told(made: Made, mounts: str) -> None:
    made.file("proc/self/mountinfo", mounts)
    assert "disk_encrypted" in made.probe().untold


def test_disks_in_a_circle_are_not_told(made: Made) -> None:
    made.file("proc/self/mountinfo", "22 1 253:2 / / rw - xfs /dev/vg/root rw\n")
    made.file("sys/dev/block/253:2/slaves/dm-0").file("sys/class/block/dm-0/slaves/dm-0")
    assert made.probe().untold["disk_encrypted"] == "the disks lie too deep"


@pytest.mark.parametrize(
    ("tainted", "rooted"), [("0", False), ("1", False), ("2", True), ("8192", True), ("12288", True)]
)
def test_unsigned_code_in_the_kernel(made: Made, tainted: str, rooted: bool) -> None:  # noqa: FBT001
    made.file("proc/sys/kernel/tainted", tainted)
    assert made.probe().posture["rooted"] is rooted


@pytest.mark.parametrize(
    ("rules", "filters"),
    [
        ([], False),
        ([{"chain": {"family": "inet", "table": "f", "name": "in", "hook": "input", "policy": "drop"}}], True),
        ([{"chain": {"family": "inet", "table": "f", "name": "in", "hook": "input", "policy": "accept"}}], False),
        ([{"chain": {"family": "inet", "table": "f", "name": "out", "hook": "output", "policy": "drop"}}], False),
        (
            [
                {"chain": {"family": "inet", "table": "f", "name": "in", "hook": "input", "policy": "accept"}},
                {"rule": {"family": "inet", "table": "f", "chain": "in", "expr": [{"match": {}}, {"drop": None}]}},
            ],
            True,
        ),
        ([1, {"rule": 2}, {"chain": []}], False),
    ],
)
def test_rules_of_nftables(made: Made, rules: list[Any], filters: bool) -> None:  # noqa: FBT001
    made.program("nft", f"echo '{json.dumps({'nftables': rules})}'")
    assert made.probe().posture["firewall"] is filters


@pytest.mark.parametrize("script", ["exit 1", "echo no json", "echo '[]'", "echo '{}'", "kill -9 $$"])
def test_a_firewall_that_cannot_be_read_is_not_told(made: Made, script: str) -> None:
    made.program("nft", script)
    assert "firewall" in made.probe().untold


def test_a_desktop_that_does_not_run_locks_nothing(made: Made) -> None:
    made.program("gsettings", "echo true").file("proc/9/comm", "bash")
    assert "screen_lock" in made.probe().untold


def test_programs_are_bounded(made: Made) -> None:
    made.program("slow", "exec sleep 30").program("loud", f"head -c {MAX_OUTPUT + 10} /dev/zero")
    machine = Machine(made.root)
    began = time.monotonic()
    with pytest.raises(NotToldError):
        machine.run("slow", timeout_s=0.2)
    with pytest.raises(NotToldError):
        machine.run("loud")
    assert time.monotonic() - began < 20
    with pytest.raises(NotToldError):
        machine.run("absent")


def test_the_path_of_the_user_is_not_searched(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    made.file("home/bin/nft", "#!/bin/sh\necho '{}'\n")
    (made.root / "home/bin/nft").chmod(0o755)
    monkeypatch.setenv("PATH", str(made.root / "home/bin"))
    assert Machine(made.root).program("nft") is None


# what the agent keeps


def test_the_key_is_made_once_and_for_its_user_alone(tmp_path: Path) -> None:
    state = AgentState(tmp_path / "agent")
    key = state.make_key()
    assert state.make_key().public == key.public
    assert stat.S_IMODE((tmp_path / "agent" / "key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "agent").stat().st_mode) == 0o700


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    state = AgentState(tmp_path)
    state.make_key()
    (tmp_path / "key.pem").chmod(0o640)
    with pytest.raises(OstiaryError) as caught:
        state.key()
    assert caught.value.code == "key_permissions"


def test_numbers_rise_across_restarts(tmp_path: Path) -> None:
    AgentState(tmp_path).save(Enrolment("https://a.example", "https://a.example", "acme", "dev_1"))
    assert [AgentState(tmp_path).next_sequence() for _ in range(3)] == [1, 2, 3]
    assert stat.S_IMODE((tmp_path / "device.json").stat().st_mode) == 0o600


def test_who_is_not_enrolled_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(FaultyInputError) as caught:
        AgentState(tmp_path).enrolment()
    assert caught.value.code == "device_not_enrolled"
    (tmp_path / "device.json").write_text("{}")
    (tmp_path / "device.json").chmod(0o600)
    with pytest.raises(FaultyInputError) as broken:
        AgentState(tmp_path).enrolment()
    assert broken.value.code == "device_state_invalid"


@pytest.mark.parametrize("url", ["https://a.example", "http://127.0.0.1:8181", "http://localhost:1/", "http://[::1]:1"])
def test_addresses_that_are_safe(url: str) -> None:
    assert check_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    ["http://a.example", "http://10.0.0.1", "ftp://a.example", "a.example", "", "https://u:p@a.example", "https://a?b"],
)
def test_addresses_that_are_not(url: str) -> None:
    with pytest.raises(FaultyInputError) as caught:
        check_url(url)
    assert caught.value.code == "url_invalid"
