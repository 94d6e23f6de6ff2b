"""Verifications and packs: the real verifier beside the loop, an archive of which no byte may change."""

import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.audit.verifier.pack import verify_pack
from ostiary.audit.verifier.signed import Vkey, read_vkey
from ostiary.server.auditing.jobs import Job, Jobs
from ostiary.server.auditing.packing import pack_file
from ostiary.server.auditing.working import Working
from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]


def work(server: Any) -> None:
    faults: list[Any] = []
    Working(server.house, lambda: False, lambda reason, fault: faults.append((reason, fault))).turn()
    assert not faults


def wait_for(server: Any, job: str, tenant: str = "default") -> Job:
    jobs = Jobs(server.house)
    while (found := jobs.find(tenant, job)).state in {"waiting", "running"}:  # the test's own time limit ends this
        work(server)
    return found


def keys_of(server: Any) -> list[Vkey]:
    return [read_vkey(one.vkey()) for one in server.house.log.public_keys()]


@pytest.fixture(scope="module")
def asked(server: Any) -> Any:
    for name in ("read", "write", "drop"):
        server.ask(name)
    return server


@pytest.fixture(scope="module")
def pack(asked: Any, people: People) -> tuple[Path, Job]:
    people("auditor")
    told = asked.admin("POST", "/tenants/default/audit/packs", json={}).json()
    made = wait_for(asked, told["id"])
    assert made.state == "done", made
    return pack_file(asked.house.places, "default", made.id), made


def test_the_log_verifies_beside_the_loop(asked: Any) -> None:
    told = asked.admin("POST", "/tenants/default/audit/verify", json={})
    assert told.status_code == 202
    first = wait_for(asked, told.json()["id"])
    assert first.report is not None
    assert first.report.verified
    assert first.report.size > 3
    again = asked.admin("POST", "/tenants/default/audit/verify", json={"since": True}).json()
    second = wait_for(asked, again["id"])
    assert second.report is not None
    assert second.report.verified
    assert any("were not read again" in note for note in second.report.notes)


def test_one_of_a_kind_waits_at_a_time(asked: Any) -> None:
    first = asked.admin("POST", "/tenants/default/audit/verify", json={})
    second = asked.admin("POST", "/tenants/default/audit/verify", json={})
    states = {first.status_code, second.status_code}
    assert 202 in states
    if second.status_code != 202:
        assert second.json()["code"] == "audit_job_waiting"
    wait_for(asked, first.json()["id"])


def test_a_pack_proves_itself_offline(asked: Any, pack: tuple[Path, Job]) -> None:
    place, made = pack
    report = verify_pack(place, keys_of(asked))
    assert report.findings == []
    assert made.pack is not None
    assert report.records == made.pack.records > 3
    assert report.opened + report.without == report.records
    assert place.stat().st_mode & 0o077 == 0
    assert place.parent.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(place) as archive:
        assert archive.testzip() is None
        assert archive.read("report.pdf").startswith(b"%PDF")
        figures = json.loads(archive.read("report.json"))["figures"]
        lines = [json.loads(line) for line in archive.read("records.jsonl").splitlines()]
    assert sum(figures["effects"].values()) == sum('"kind":"decision"' in one["entry"] for one in lines)
    again = [one for one in figures["again"] if not one["why_not"]]
    assert again
    assert all(one["same"] for one in again)
    made_of = [one for one in asked.house.log.iterate("default", "admin") if b"audit.pack.made" in (one.payload or b"")]
    assert msgspec.json.decode(made_of[-1].payload)["digest"] == made.pack.digest


def test_the_next_pack_proves_that_the_log_only_grew(asked: Any, pack: tuple[Path, Job]) -> None:
    told = asked.admin("POST", "/tenants/default/audit/packs", json={"kind": "admin"}).json()
    made = wait_for(asked, told["id"])
    report = verify_pack(pack_file(asked.house.places, "default", made.id), keys_of(asked))
    assert report.verified
    assert pack[1].pack is not None
    assert report.earlier_size == int(pack[1].pack.checkpoint.split("\n")[1])


@given(at=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
@settings(max_examples=tries(100, 150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_byte_of_a_pack_may_change(asked: Any, pack: tuple[Path, Job], tmp_path: Path, at: float, flip: int) -> None:
    data = bytearray(pack[0].read_bytes())
    data[int(at * len(data))] ^= flip
    changed = tmp_path / "changed.zip"
    changed.write_bytes(data)
    assert not verify_pack(changed, keys_of(asked)).verified


@given(data=st.binary(max_size=400))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_anything_may_be_given_as_a_pack(asked: Any, tmp_path: Path, data: bytes) -> None:
    place = tmp_path / "any.zip"
    place.write_bytes(data)
    assert not verify_pack(place, keys_of(asked)).verified


def rewritten(place: Path, to: Path, change: Callable[[str, bytes], bytes]) -> Path:
    with zipfile.ZipFile(place) as old, zipfile.ZipFile(to, "w") as new:
        for one in old.infolist():
            new.writestr(one.filename, change(one.filename, old.read(one.filename)))
        new.comment = old.comment
    return to


def test_a_pack_that_somebody_made_anew_is_not_signed(asked: Any, pack: tuple[Path, Job], tmp_path: Path) -> None:
    same = rewritten(pack[0], tmp_path / "same.zip", lambda name, data: data)
    assert [one.attack.value for one in verify_pack(same, keys_of(asked)).findings] == ["unsigned"]


def test_a_line_taken_out_by_the_signer_itself_is_noticed(asked: Any, pack: tuple[Path, Job], tmp_path: Path) -> None:
    """Even who holds the key cannot change a record, or its number, without being named."""
    from ostiary.server.auditing.packing import _sign  # noqa: PLC0415

    def forged(name: str, change: Callable[[bytes], bytes]) -> list[str]:
        def swap(member: str, data: bytes) -> bytes:
            return change(data) if member == name else data

        place = tmp_path / "forged.zip"
        with zipfile.ZipFile(pack[0]) as old, zipfile.ZipFile(place, "w") as new:
            for one in old.infolist():
                new.writestr(one.filename, swap(one.filename, old.read(one.filename)))
        with place.open("r+b") as file:
            _sign(asked.house, asked.house.log.head().origin, file)
        return [one.attack.value for one in verify_pack(place, keys_of(asked)).findings]

    assert forged("README.md", lambda data: data + b".") == []
    assert forged("records.jsonl", lambda data: data.partition(b"\n")[2]) == ["delete"]
    assert "reorder" in forged("records.jsonl", lambda data: data + data.splitlines(keepends=True)[0])
    assert forged("records.jsonl", lambda data: data.replace(b'"record":{', b'"record":{"x":1,', 1)) == ["modify"]
    old, new = b'"kind\\":\\"admin', b'"kind\\":\\"adnin'
    assert forged("records.jsonl", lambda data: data.replace(old, new, 1)) == ["modify"]


def test_a_folder_as_zip_is_no_bomb(asked: Any, tmp_path: Path) -> None:
    place = tmp_path / "bomb.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("checkpoint", b"\0" * (64 << 20))
        for name in ("manifest.json", "records.jsonl", "vkeys"):
            archive.writestr(name, b"")
    assert not verify_pack(place, keys_of(asked)).verified


def test_the_command_verifies_and_exits_with_5(asked: Any, pack: tuple[Path, Job], tmp_path: Path) -> None:
    key = asked.house.log.public_keys()[0].vkey()
    copy = tmp_path / "pack.zip"
    shutil.copyfile(pack[0], copy)

    def verify(*more: str) -> "subprocess.CompletedProcess[str]":
        words = [sys.executable, "-m", "ostiary.cli", "audit", "verify", str(copy), "--forget", *more]
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)

    good = verify("--key", key)
    assert (good.returncode, "verified" in good.stdout) == (0, True), good.stderr
    told = verify("--json")
    assert told.returncode == 0
    assert json.loads(told.stdout)["first_use"]
    data = bytearray(copy.read_bytes())
    data[len(data) // 2] ^= 1
    copy.write_bytes(data)
    assert verify("--key", key).returncode == 5


def test_a_person_gets_no_payload_of_what_is_about_them(asked: Any, people: People) -> None:
    auditor = people("auditor")
    auditor.get("/audit")
    body = {"from_ns": "", "kind": "decision", "subject": "user:auditor-default"}
    assert auditor.deed("/audit/exports", body).json()["go"] == "/audit/exports"
    made = next(one for one in Jobs(asked.house).of("default") if one.kind == "pack")
    assert made.withhold == "user:auditor-default"
    done = wait_for(asked, made.id)
    assert done.pack is not None
    assert done.pack.withheld == done.pack.records > 0
    page = auditor.get(f"/audit/exports/{done.id}/pack.zip")
    assert page.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(page.content)) as archive:
        assert b"opening" not in archive.read("records.jsonl")


def test_packs_of_other_tenants_are_not_there(asked: Any, pack: tuple[Path, Job], people: People) -> None:
    theirs = people("auditor", "acme", name="auditor-acme")
    path = f"/audit/exports/{pack[1].id}/pack.zip"
    assert theirs.get(path).status_code == theirs.get("/audit/exports/job_none/pack.zip").status_code == 404
    assert asked.admin("GET", f"/tenants/acme/audit/packs/{pack[1].id}").status_code == 404
    assert asked.admin("GET", f"/tenants/acme/audit/jobs/{pack[1].id}").status_code == 404


def test_what_is_kept_of_jobs_is_signed(asked: Any, people: People) -> None:
    snapshots = asked.house.store.snapshots
    row = snapshots.all("default", "audit_job")[-1]
    snapshots.save("default", "audit_job", row.name, row.data[:-1] + bytes([row.data[-1] ^ 1]), 1)
    assert asked.admin("GET", "/tenants/default/audit/jobs").json()["code"] == "shelf_tampered"
    snapshots.save("default", "audit_job", row.name, row.data, 1)
