"""Rows of osquery and hosts of Fleet become postures, and a fault says where it is."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.errors import FaultyInputError
from ostiary.identity.devices.fleet import read_fleet
from ostiary.identity.devices.osquery import MAX_LINE, read_osquery
from ostiary.identity.devices.posture import read_posture

NOW = 1_790_000_000_000_000_000


def rows(**tables: list[dict[str, Any]]) -> list[str]:
    return [json.dumps({"name": f"pack/ostiary/{name}", "snapshot": found}) for name, found in tables.items()]


def posture(lines: list[str]) -> dict[str, Any]:
    return read_osquery(lines, now_ns=NOW).posture


def test_a_linux_machine() -> None:
    told = read_osquery(
        rows(
            mounts=[{"path": "/", "device": "/dev/mapper/root", "device_alias": "/dev/dm-1"}],
            disk_encryption=[
                {"name": "/dev/dm-1", "encrypted": "1", "type": "LUKS2"},
                {"name": "/dev/sda1", "encrypted": "0"},
            ],
            iptables=[{"chain": "INPUT", "policy": "DROP", "target": ""}],
            secureboot=[{"secure_boot": "1", "setup_mode": "0"}],
            processes=[{"name": "bash"}, {"name": "falcon-sensor"}],
            os_version=[{"name": "Ubuntu", "version": "24.04 LTS", "platform": "ubuntu"}],
        ),
        now_ns=NOW,
    )
    assert told.posture == {"disk_encrypted": True, "edr_alive": True, "firewall": True, "secure_boot": True}
    assert told.os == "Ubuntu 24.04 LTS"
    assert read_posture(told.posture).disk_encrypted is True


def test_a_mac_and_a_windows_machine() -> None:
    mac = rows(
        alf=[{"global_state": "0"}],
        screenlock=[{"enabled": "1", "grace_period": "5"}],
        package_install_history=[{"time": str(NOW // 10**9 - 100)}, {"time": str(NOW // 10**9 - 999)}],
    )
    assert posture(mac) == {"firewall": False, "screen_lock": True, "patch_age_s": 100.0}
    windows = rows(
        bitlocker_info=[
            {"drive_letter": "C:", "protection_status": "1"},
            {"drive_letter": "D:", "protection_status": "0"},
        ],
        windows_security_center=[{"firewall": "Good", "antivirus": "Poor"}],
        patches=[{"installed_on": "9/20/2026"}, {"installed_on": "2026-09-01"}],
    )
    told = posture(windows)
    assert told.pop("patch_age_s") == pytest.approx(NOW / 1e9 - 1_789_862_400)
    assert told == {"disk_encrypted": True, "firewall": True, "edr_alive": False}


@pytest.mark.parametrize(
    ("tables", "wanted"),
    [
        ({}, {}),
        ({"disk_encryption": []}, {"disk_encrypted": False}),
        ({"disk_encryption": [{"name": "/dev/loop0", "encrypted": "1"}]}, {"disk_encrypted": False}),
        (
            {"disk_encryption": [{"name": "/dev/a", "encrypted": 1}, {"name": "/dev/b", "encrypted": 0}]},
            {"disk_encrypted": False},
        ),
        ({"bitlocker_info": [{"drive_letter": "D:", "protection_status": "1"}]}, {"disk_encrypted": False}),
        ({"iptables": [{"chain": "OUTPUT", "policy": "DROP"}]}, {"firewall": False}),
        ({"iptables": [{"chain": "INPUT", "policy": "ACCEPT", "target": "REJECT"}]}, {"firewall": True}),
        ({"screenlock": [{"enabled": "1", "grace_period": "3600"}]}, {"screen_lock": False}),
        ({"screenlock": [{"enabled": "0", "grace_period": "-1"}]}, {"screen_lock": False}),
        ({"secureboot": []}, {"secure_boot": False}),
        ({"processes": [{"name": "falcon-sensor-fake"}]}, {"edr_alive": False}),
        ({"weather": [{"sunny": "1"}]}, {}),
    ],
)
def test_what_is_empty_or_odd_is_not_good(tables: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert posture(rows(**tables)) == wanted


def test_rows_that_went_away_do_not_count_and_packs_may_be_named_any_way() -> None:
    lines = [
        '{"name": "pack_endpoint_processes", "action": "added", "columns": {"name": "falcond"}}',
        '{"name": "processes", "action": "removed", "columns": {"name": "bash"}}',
        "",
        '{"table": "alf", "rows": [{"global_state": 2}]}',
    ]
    assert posture(lines) == {"edr_alive": True, "firewall": True}
    assert posture([lines[1]]) == {"edr_alive": False}


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        '{"name": "alf"}',
        '{"name": 1, "columns": {}}',
        '{"name": "alf", "columns": []}',
        '{"name": "alf", "snapshot": [1]}',
        '{"name": "alf", "columns": {"global_state": "yes"}}',
        '{"name": "alf", "columns": {}}',
        '{"name": "secureboot", "columns": {"secure_boot": "maybe"}}',
        '{"name": "secureboot", "columns": {"secure_boot": true}}',
        '{"name": "patches", "columns": {"installed_on": "yesterday"}}',
        '{"name": "alf", "name": "alf", "columns": {"global_state": "1"}}',
        "\ud800",
        "x" * (MAX_LINE + 1),
    ],
)
def test_a_fault_says_its_line(line: str) -> None:
    with pytest.raises(FaultyInputError) as caught:
        posture(["", line])
    assert (caught.value.code, caught.value.pointer) == ("osquery_row_invalid", "line 2")
    assert len(str(caught.value)) < 200


def host(**more: Any) -> dict[str, Any]:
    return {"host": {"os_version": "macOS 26.1", "detail_updated_at": "2026-11-26T10:00:00.123456789Z", **more}}


def test_a_host_of_fleet() -> None:
    policies = [
        {"name": "Full disk encryption enabled (macOS)", "response": "pass"},
        {"name": "Firewall enabled (macOS)", "response": "fail"},
        {"name": "Lock screen after inactivity of 20 minutes or less enabled (macOS)", "response": "pass"},
        {"name": "Antivirus healthy (macOS)", "response": ""},
        {"name": "Falcon runs", "response": "pass"},
        {"name": "Something else", "response": "fail"},
    ]
    told = read_fleet(host(policies=policies, disk_encryption_enabled=False), {"falcon runs": "edr_alive"})
    assert told.posture == {"disk_encrypted": False, "edr_alive": True, "firewall": False, "screen_lock": True}
    assert (told.os, told.at_ns) == ("macOS 26.1", 1_795_687_200 * 10**9)
    assert told.claims() == {"collected": 1_795_687_200}


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ([], "/host"),
        ({"host": 1}, "/host"),
        (host(disk_encryption_enabled="yes"), "/host/disk_encryption_enabled"),
        (host(policies={}), "/host/policies"),
        (host(policies=[{"name": "a"}, {"response": "pass"}]), "/host/policies/1"),
        (host(policies=[{"name": "a", "response": "perhaps"}]), "/host/policies/0/response"),
        (host(os_version=3), "/host/os_version"),
        (host(detail_updated_at="yesterday"), "/host/detail_updated_at"),
        (host(detail_updated_at="2026-11-26T10:00:00"), "/host/detail_updated_at"),
        (host(detail_updated_at=5), "/host/detail_updated_at"),
    ],
)
def test_a_fault_of_fleet_says_where(told: Any, pointer: str) -> None:
    with pytest.raises(FaultyInputError) as caught:
        read_fleet(told)
    assert (caught.value.code, caught.value.pointer) == ("fleet_host_invalid", pointer)


def test_a_policy_is_not_mapped_to_anything() -> None:
    with pytest.raises(FaultyInputError):
        read_fleet(host(), {"a": "trust"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=tries(100, 150), deadline=None)
@given(st.sampled_from(["alf", "mounts", "disk_encryption", "patches", "screenlock", "x"]), JSON, JSON)
def test_any_rows_and_hosts_are_read_or_refused(name: str, columns: Any, whole: Any) -> None:
    for act in (
        lambda: read_osquery([json.dumps({"name": name, "columns": columns}), json.dumps(whole)], now_ns=NOW),
        lambda: read_fleet({"host": whole}),
    ):
        try:
            told = act()
        except FaultyInputError as fault:
            assert fault.code in {"osquery_row_invalid", "fleet_host_invalid"}  # noqa: PT017 - both are right
        else:
            read_posture(told.posture)
