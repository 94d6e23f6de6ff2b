"""One promise, two registries: devices in memory and in SQLite."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from stores import EVERY, Stores

from ostiary.identity.attestation import Quoted
from ostiary.identity.attestation.quote import ClockInfo
from ostiary.identity.devices import Device, DeviceRegistry, Enrolled, Invitation, Standing
from ostiary.identity.devices.model import Reported
from ostiary.storage.sqlite import open_store
from ostiary.testing.device_registry import MemoryDeviceRegistry
from ostiary.testing.fake_clock import FakeClock
from ostiary.vocabulary.facts import PostureFacts

NOW = 1_790_000_000_000_000_000


@pytest.fixture(params=EVERY)
def registry(request: pytest.FixtureRequest, stores: Stores) -> Iterator[DeviceRegistry]:
    if request.param == "memory":
        yield MemoryDeviceRegistry()
        return
    yield stores(request.param).devices


def invitation(code: str = "code", tenant: str = "acme", **more: Any) -> Invitation:
    return Invitation(**{"tenant": tenant, "code_hash": code, "expires_ns": NOW + 10, **more})


def device(name: str = "dev_1", tenant: str = "acme", **more: Any) -> Device:
    known = {"tenant": tenant, "device_id": name, "key": {"kty": "EC"}, "thumbprint": f"t-{name}", "enrolled_ns": NOW}
    return Device(**{**known, **more})


def enrol(registry: DeviceRegistry, one: Device) -> Enrolled:
    registry.invite(invitation(f"for-{one.device_id}", one.tenant), NOW)
    return registry.enrol(one, f"for-{one.device_id}", NOW)


FULL = device(
    subjects=("user:alice",),
    ak=b"public",
    ak_name=b"name",
    ak_trust="named",
    baseline={0: b"\x00" * 32, 7: b"\x07" * 32},
    quoted=Quoted(b"signer", ClockInfo(1, 2, 3, safe=True), 2**63, {0: b"\x00" * 32}),
    attested_ns=NOW,
    reports={"": Reported(NOW, 3, PostureFacts(firewall=True, patch_age_s=1.5), "Debian 12", NOW, ("a", "b"))},
    standing=Standing.COMPLIANT,
    due_ns=NOW + 5,
)


def test_what_is_stored_comes_back_whole(registry: DeviceRegistry) -> None:
    assert enrol(registry, FULL) is Enrolled.OK
    assert registry.find("acme", "dev_1") == FULL
    assert registry.by_key("acme", FULL.thumbprint) == FULL
    assert registry.by_key("umbrella", FULL.thumbprint) is None
    assert list(registry.of_tenant("acme")) == [FULL]


def test_another_tenant_has_no_such_device(registry: DeviceRegistry) -> None:
    enrol(registry, device())
    assert registry.find("umbrella", "dev_1") is None
    assert list(registry.of_tenant("umbrella")) == []
    assert not registry.remove("umbrella", "dev_1")
    assert not registry.replace(device(tenant="umbrella", version=2))
    assert registry.find("acme", "dev_1") == device()


def test_a_code_is_good_once_for_its_tenant_and_until_it_expires(registry: DeviceRegistry) -> None:
    registry.invite(invitation(), NOW)
    assert registry.invitation("acme", "code", NOW) == invitation()
    assert registry.invitation("umbrella", "code", NOW) is None
    assert registry.invitation("acme", "code", NOW + 10) is None
    assert registry.enrol(device(tenant="umbrella"), "code", NOW) is Enrolled.CODE_GONE
    assert registry.enrol(device(), "code", NOW + 10) is Enrolled.CODE_GONE
    assert registry.enrol(device(), "code", NOW) is Enrolled.OK
    assert registry.enrol(device("dev_2"), "code", NOW) is Enrolled.CODE_GONE
    assert registry.find("acme", "dev_2") is None


def test_expired_invitations_are_forgotten(registry: DeviceRegistry) -> None:
    registry.invite(invitation("old"), NOW)
    registry.invite(invitation("old", tenant="umbrella"), NOW)
    registry.invite(invitation("new", expires_ns=NOW + 99), NOW + 10)
    assert registry.invitation("acme", "old", NOW) is None
    assert registry.invitation("umbrella", "old", NOW) is not None


def test_invitations_that_name_a_person_are_withdrawn(registry: DeviceRegistry) -> None:
    registry.invite(invitation("hers", subjects=("user:alice", "user:bob")), NOW)
    registry.invite(invitation("his", subjects=("user:bob",)), NOW)
    registry.invite(invitation("hers", tenant="umbrella", subjects=("user:alice",)), NOW)
    assert registry.withdraw("acme", "user:alice") == 1
    assert registry.withdraw("acme", "user:alice") == 0
    assert registry.invitation("acme", "hers", NOW) is None
    assert registry.invitation("acme", "his", NOW) is not None
    assert registry.invitation("umbrella", "hers", NOW) is not None


def test_one_key_is_one_device_of_a_tenant(registry: DeviceRegistry) -> None:
    enrol(registry, device(ak_name=b"tpm"))
    assert enrol(registry, device("dev_2", thumbprint="t-dev_1")) is Enrolled.KEY_TAKEN
    assert enrol(registry, device("dev_3", ak_name=b"tpm")) is Enrolled.AK_TAKEN
    assert registry.invitation("acme", "for-dev_3", NOW) is not None, "a code is not used up by a failure"
    assert enrol(registry, device(tenant="umbrella", ak_name=b"tpm")) is Enrolled.OK
    assert registry.remove("acme", "dev_1")
    assert enrol(registry, device("dev_4", thumbprint="t-dev_1", ak_name=b"tpm")) is Enrolled.OK


def test_only_the_next_version_replaces(registry: DeviceRegistry) -> None:
    enrol(registry, device())
    assert registry.replace(device(version=2, kind="second"))
    assert not registry.replace(device(version=2, kind="late"))
    assert not registry.replace(device(version=9, kind="far"))
    assert not registry.replace(device("dev_9", version=2))
    found = registry.find("acme", "dev_1")
    assert found is not None
    assert found.kind == "second"


def test_of_many_with_one_code_one_comes_in(registry: DeviceRegistry) -> None:
    registry.invite(invitation(), NOW)
    ends: list[Enrolled] = []
    start = threading.Barrier(6)

    def come(number: int) -> None:
        start.wait()
        ends.append(registry.enrol(device(f"dev_{number}"), "code", NOW))

    threads = [threading.Thread(target=come, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == [Enrolled.CODE_GONE] * 5 + [Enrolled.OK]
    assert len(registry.of_tenant("acme")) == 1


def test_what_is_untold_or_due_is_found(registry: DeviceRegistry) -> None:
    states: dict[str, dict[str, Any]] = {
        "dev_1": {"standing": Standing.COMPLIANT},
        "dev_2": {"due_ns": NOW},
        "dev_3": {"due_ns": NOW + 1},
        "dev_4": {},
        "dev_5": {"standing": Standing.COMPLIANT, "due_ns": NOW},
    }
    for name, more in states.items():
        enrol(registry, device(name, **more))
    assert sorted(one.device_id for one in registry.due(NOW)) == ["dev_1", "dev_2", "dev_5"]
    told = msgspec.structs.replace(device("dev_1", version=2), standing=Standing.COMPLIANT, told=Standing.COMPLIANT)
    assert registry.replace(told)
    assert sorted(one.device_id for one in registry.due(NOW)) == ["dev_2", "dev_5"]


def test_a_forgotten_owner_is_in_no_file(tmp_path: Path) -> None:
    with open_store(tmp_path / "ostiary.db", FakeClock()) as store:
        named = device(subjects=("user:secret-name",))
        enrol(store.devices, named)
        for version in range(2, 9):
            reports = {"": Reported(NOW, version, PostureFacts(), "x" * version)}
            store.devices.replace(msgspec.structs.replace(named, reports=reports, version=version))
        assert store.devices.replace(device(version=9), scrub=True)
        files = b"".join(path.read_bytes() for path in tmp_path.glob("ostiary.db*"))
        assert b"secret-name" not in files


def test_a_tenant_is_forgotten_with_its_devices_and_codes(tmp_path: Path) -> None:
    with open_store(tmp_path / "ostiary.db", FakeClock()) as store:
        enrol(store.devices, device(subjects=("user:secret-name",)))
        enrol(store.devices, device(tenant="umbrella"))
        store.devices.invite(invitation("open", by="secret-admin"), NOW)
        store.forget_tenant("acme")
        assert store.devices.find("acme", "dev_1") is None
        assert store.devices.invitation("acme", "open", NOW) is None
        assert store.devices.find("umbrella", "dev_1") is not None
        files = b"".join(path.read_bytes() for path in tmp_path.glob("ostiary.db*"))
        assert b"secret-name" not in files
        assert b"secret-admin" not in files
