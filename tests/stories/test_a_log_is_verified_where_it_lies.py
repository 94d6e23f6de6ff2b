"""Somebody changes one byte of the log's database; the auditor presses a button, and the entry is named."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ostiary.audit.verifier import Attack
from ostiary.audit.verifier.pack import verify_pack
from ostiary.audit.verifier.signed import read_vkey
from ostiary.cli.places import open_data
from ostiary.server.auditing import packing
from ostiary.server.auditing.jobs import Job, Jobs, PackWanted
from ostiary.server.auditing.packing import MOST_AGE_NS, pack_file, remove_old
from ostiary.server.auditing.working import Working
from ostiary.server.deeds import record_about, record_deed
from ostiary.server.forgetting import forget
from ostiary.server.wiring import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_data(tmp_path / "data") as opened:
        for number in range(300):
            record_deed(opened, "user:zoe", "default", f"deed.{number}")
        yield opened


def done(house: House, kind: Any, **more: Any) -> Job:
    jobs = Jobs(house)
    job = jobs.ask("default", kind, "user:zoe", **more)
    assert Working(house, lambda: False, lambda reason, fault: None).turn()
    return jobs.find("default", job.id)


def change(house: House, index: int, column: str) -> None:
    with sqlite3.connect(house.places.database) as database:
        (old,) = database.execute(f"SELECT {column} FROM records WHERE idx = ?", (index,)).fetchone()  # noqa: S608
        new = old[:-3] + bytes([old[-3] ^ 1]) + old[-2:]
        database.execute(f"UPDATE records SET {column} = ? WHERE idx = ?", (new, index))  # noqa: S608
    database.close()


@pytest.mark.parametrize("column", ["entry", "sealed"])
def test_the_changed_entry_is_named(house: House, column: str) -> None:
    first = done(house, "verify")
    assert first.report is not None
    assert first.report.verified
    change(house, 123, column)
    second = done(house, "verify")
    assert second.report is not None
    assert (Attack.MODIFY, 123) in {(one.attack, one.index) for one in second.report.findings}
    pack = done(house, "pack", wanted=PackWanted(kind="approval"))
    assert pack.report is not None
    assert not pack.report.verified, "a pack says what was found when it was made"


def test_since_the_last_time_sees_what_is_new_and_says_what_it_did_not_read(house: House) -> None:
    done(house, "verify")
    for number in range(300):
        record_deed(house, "user:zoe", "default", f"more.{number}")
    change(house, 5, "sealed")
    since = done(house, "verify", since=True)
    assert since.report is not None
    assert since.report.verified
    assert "were not read again" in " ".join(since.report.notes)
    change(house, 590, "sealed")
    again = done(house, "verify", since=True)
    assert again.report is not None
    assert [one.index for one in again.report.findings] == [590]
    whole = done(house, "verify")
    assert whole.report is not None
    assert {one.index for one in whole.report.findings} == {5, 590}


def test_a_log_that_was_cut_is_noticed_since_the_last_time(house: House) -> None:
    done(house, "verify")
    before = house.places.database.read_bytes()
    assert before
    with sqlite3.connect(house.places.database) as database:
        database.execute("DELETE FROM records WHERE idx >= 290")
    database.close()
    found = done(house, "verify", since=True)
    assert found.report is not None
    assert found.report.findings[0].attack is Attack.TRUNCATE
    assert found.report.findings[0].index == 290


def test_what_the_server_remembers_must_be_whole(house: House) -> None:
    done(house, "verify")
    leaves = house.places.root / "audit" / "verified.json.leaves"
    leaves.write_bytes(leaves.read_bytes()[:-48] + bytes(48))
    assert done(house, "verify").fault[0] == "memory_damaged"


def test_a_job_waits_for_the_next_server_when_this_one_ends(house: House) -> None:
    jobs = Jobs(house)
    job = jobs.ask("default", "verify", "user:zoe")
    Working(house, lambda: True, lambda reason, fault: None).turn()
    assert jobs.find("default", job.id).state == "waiting"
    Working(house, lambda: False, lambda reason, fault: None).turn()
    assert jobs.find("default", job.id).state == "done"
    assert not jobs.any_open()


def test_a_job_that_ends_its_server_is_not_done_for_ever(house: House) -> None:
    jobs = Jobs(house)
    job = jobs.ask("default", "verify", "user:zoe")
    jobs.keep(Job(**{**{name: getattr(job, name) for name in job.__struct_fields__}, "state": "running", "tries": 2}))
    Working(house, lambda: False, lambda reason, fault: None).turn()
    assert jobs.find("default", job.id).fault[0] == "audit_job_failed"


def test_the_forgotten_are_in_no_pack(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    record_about("user:yan", house, "user:zoe", "default", "noted", {"secret": "likes tea"})
    made = done(house, "pack")
    place = pack_file(house.places, "default", made.id)
    assert place.is_file()
    forget(house, "default", "user", "yan")
    assert not place.exists()
    record_about("user:xia", house, "user:zoe", "default", "noted", {"secret": "likes tea"})
    real = packing._sign

    def slow(*arguments: Any) -> bytes:
        forget(house, "default", "user", "xia")
        return real(*arguments)

    monkeypatch.setattr(packing, "_sign", slow)
    overtaken = done(house, "pack")
    assert overtaken.fault[0] == "audit_pack_overtaken"
    assert not pack_file(house.places, "default", overtaken.id).exists()


def test_packs_are_few_and_young(house: House) -> None:
    made = [done(house, "pack", wanted=PackWanted(kind="approval")) for _ in range(6)]
    there = [pack_file(house.places, "default", one.id).is_file() for one in made]
    assert there == [False, *[True] * 5]
    remove_old(house.places, house.clock.now_ns() + MOST_AGE_NS + 10**9)
    assert not any(pack_file(house.places, "default", one.id).exists() for one in made)


def test_filters_of_a_pack_hold(house: House) -> None:
    now = house.clock.now_ns()
    record_deed(house, "user:yan", "default", "another")
    made = done(house, "pack", wanted=PackWanted(by="user:yan", from_ns=now))
    keys = [read_vkey(one.vkey()) for one in house.log.public_keys()]
    report = verify_pack(pack_file(house.places, "default", made.id), keys)
    assert report.findings == []
    assert report.records == 1
    none = done(house, "pack", wanted=PackWanted(subject="user:nobody"))
    assert none.pack is not None
    assert none.pack.records == 0
    assert json.dumps(none.wanted.subject if none.wanted else "") == '"user:nobody"'
