"""A history replayed by two workers: the same to the bit as by one process, resumable, believed by digests alone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("distributed")

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError, VerificationError
from ostiary.keys import KeyRing
from ostiary.risk.source import Source
from ostiary.risk.training.pool import spread_by
from ostiary.risk.training.prepare import PrepareSettings, prepare
from ostiary.server.history import passes
from ostiary.server.history.cluster import cluster
from ostiary.server.history.parts import (
    LIST,
    Listed,
    export,
    list_of,
    read_events,
    read_part,
    read_table,
    write_part,
)
from ostiary.server.history.replaying import JOURNAL, Replayed, replay_history, run_of
from ostiary.server.history.rounds import events_of, spread_over
from ostiary.server.history.shelf import Shelf
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import NAMES
from ostiary.signals.replay import replay
from ostiary.testing.organisation import Organisation
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.events import AccessEvent

EVENTS = Organisation(people=20, days=12).history()[:450]
PART = 120


def told() -> Source:
    return Source("test", "0" * 64, len(EVENTS))


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing(tmp_path / "keys", SystemClock())


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(str(tmp_path / "lake"))


@pytest.fixture
def listed(shelf: Shelf, ring: KeyRing) -> Listed:
    return export(shelf, ring, "default", EVENTS, told, PART)


def features(shelf: Shelf, replayed: Replayed) -> bytes:
    tables = [read_table(shelf.read(one.name, one.digest), NAMES) for one in replayed.features]
    parts = [np.column_stack([table.column(name).to_numpy() for name in NAMES]) for table in tables]
    return np.concatenate(parts).tobytes()


def in_one_process() -> tuple[bytes, bytes]:
    book = ProfileBook("default")
    rows = np.array([row for _, row in replay(EVENTS, book)], dtype=np.float64)
    return rows.tobytes(), book.snapshot()


def test_two_workers_give_the_bits_of_one_process(shelf: Shelf, ring: KeyRing, listed: Listed, client: Any) -> None:
    steps: list[float] = []
    found = replay_history(shelf, ring, "default", client, lambda _, share: steps.append(share))
    rows, book = in_one_process()
    assert features(shelf, found) == rows
    assert shelf.read(found.book.name, found.book.digest) == book
    assert (found.events, len(found.features), found.resumed) == (len(EVENTS), 4, 0)
    assert steps == sorted(steps)
    assert steps[-1] == 1.0
    assert not shelf.holds(f"{found.run}/books/before-00001.bin")  # what people did is not left lying about


def test_a_run_that_was_killed_goes_on(
    shelf: Shelf, ring: KeyRing, listed: Listed, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stopped at its fifth step; the next run does what is left, and the whole is the same."""

    class KilledError(Exception):
        pass

    def stop(_: str, __: float, count: list[int] = [0]) -> None:  # noqa: B006 - counts over all calls
        count[0] += 1
        if count[0] == 5:
            raise KilledError

    with pytest.raises(KilledError):
        replay_history(shelf, ring, "default", client, stop)
    sent: list[str] = []
    submit = client.submit

    def counted(work: Any, *more: Any, **how: Any) -> Any:
        sent.append(work.__name__)
        return submit(work, *more, **how)

    monkeypatch.setattr(client, "submit", counted)
    found = replay_history(shelf, ring, "default", client)
    assert len(sent) == 8 - 5
    assert found.resumed + sent.count("replay_part") == 4
    assert features(shelf, found) == in_one_process()[0]
    sent.clear()
    assert replay_history(shelf, ring, "default", client).features == found.features
    assert sent == []


@pytest.mark.parametrize("what", ["events/part-00001.parquet", LIST])
def test_what_was_changed_is_refused(shelf: Shelf, ring: KeyRing, listed: Listed, client: Any, what: str) -> None:
    whole = shelf.read(what)
    shelf.write(what, whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    with pytest.raises(VerificationError) as no:
        replay_history(shelf, ring, "default", client)
    assert no.value.code in {"history_changed", "history_untrusted"}


def test_a_book_or_a_journal_of_somebody_else_is_refused(
    shelf: Shelf, ring: KeyRing, listed: Listed, client: Any, tmp_path: Path
) -> None:
    """Storage is not believed: a book that was put in place of ours would poison every feature after it."""
    ask = passes.Ask(shelf.address, run_of(listed), "default")
    kept = passes.first_book(ask)
    shelf.write(kept.name, ProfileBook("default").snapshot() + b"x")
    with pytest.raises(VerificationError):
        passes.replay_part(ask, 0, listed.parts[0], kept)
    other = KeyRing(tmp_path / "other", SystemClock())
    stranger = Shelf(str(tmp_path / "strange"))
    export(stranger, other, "default", EVENTS, told, PART)
    replay_history(stranger, other, "default", client)
    shelf.write(f"{run_of(listed)}/{JOURNAL}", stranger.read(f"{run_of(listed)}/{JOURNAL}"))
    with pytest.raises(VerificationError) as no:
        replay_history(shelf, ring, "default", client)
    assert no.value.code == "history_untrusted"


def test_another_tenant_has_no_such_history(shelf: Shelf, ring: KeyRing, listed: Listed) -> None:
    with pytest.raises(VerificationError):
        list_of(shelf, ring, "rival")


def test_events_come_back_as_they_were(shelf: Shelf, listed: Listed) -> None:
    assert events_of(shelf, listed) == EVENTS
    assert write_part(EVENTS[:50]) == write_part(EVENTS[:50])


def test_a_worker_of_another_version_refuses(shelf: Shelf, listed: Listed) -> None:
    ask = passes.Ask(shelf.address, "runs/x", "default", feature_set="sha256:other")
    with pytest.raises(FaultyInputError) as no:
        passes.first_book(ask)
    assert no.value.code == "history_other_version"


def test_rounds_of_training_are_the_same_elsewhere(client: Any) -> None:
    settings = PrepareSettings(rounds=2, most_rounds=2)
    here = prepare(EVENTS, {}, settings, 7, lambda _what, _share: None)
    with spread_by(spread_over(client)):
        there = prepare(EVENTS, {}, settings, 7, lambda _what, _share: None)
    for name in here.__struct_fields__:
        assert getattr(here, name).tobytes() == getattr(there, name).tobytes()


# -- what is refused before anything is done


def event(**changes: Any) -> AccessEvent:
    return AccessEvent(**{"event_id": "e", "tenant": "default", "time_ns": 10, "subject_id": "ann", "action": "read",
                          "resource_type": "doc", "resource_id": "1", **changes})  # fmt: skip


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([], "history_empty"),
        ([event(tenant="rival")], "history_other_tenant"),
        ([event(), event(time_ns=9)], "history_out_of_order"),
    ],
)
def test_a_history_that_is_none_is_not_written(
    shelf: Shelf, ring: KeyRing, events: list[AccessEvent], code: str
) -> None:
    with pytest.raises(FaultyInputError) as no:
        export(shelf, ring, "default", events, told)
    assert no.value.code == code


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + bytes(40) + b"PAR1", write_part([event()])[:-30]])
def test_any_bytes_are_events_or_refused(data: bytes) -> None:
    with pytest.raises(FaultyInputError) as no:
        read_part(data)
    assert no.value.code == "history_malformed"


@pytest.mark.parametrize(
    "address", ["s3://key:secret@bucket/x", "simplecache::s3://b", "gopher://x", "https://h/x?token=1"]
)
def test_an_odd_address_is_refused(address: str) -> None:
    with pytest.raises(FaultyInputError) as no:
        Shelf(address)
    assert no.value.code == "history_address_invalid"


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../b", "", ".hidden", "a//b", "a\x00"])
def test_no_name_leaves_the_place(shelf: Shelf, name: str) -> None:
    for ask in (lambda: shelf.write(name, b""), lambda: shelf.read(name), lambda: shelf.holds(name)):
        with pytest.raises(FaultyInputError):
            ask()


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("tcp://192.0.2.7:8786", "scheduler_open"),
        ("tcp://[2001:db8::1]:8786", "scheduler_open"),
        ("tcp://localhost.evil.example:8786", "scheduler_open"),
        ("192.0.2.7:8786", "scheduler_invalid"),
        ("tls://192.0.2.7", "scheduler_invalid"),
        ("ucx://192.0.2.7:8786", "scheduler_invalid"),
        ("tls://user:secret@192.0.2.7:1", "scheduler_invalid"),
    ],
)
def test_an_open_scheduler_is_refused(address: str, code: str) -> None:
    """Whoever reaches it runs code on its workers."""
    with pytest.raises(OstiaryError) as no, cluster(2, address):
        pass
    assert no.value.code == code
    assert isinstance(no.value, RefusedError | FaultyInputError)


def test_a_tls_scheduler_needs_certificates() -> None:
    with pytest.raises(UnavailableError) as no, cluster(2, "tls://127.0.0.1:9"):
        pass
    assert no.value.code == "scheduler_unavailable"


def test_the_server_never_imports_dask(repo: Path) -> None:
    code = (
        "import sys, ostiary.server.assembly, ostiary.server.worker; print({'dask', 'distributed'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(repo / "src"), os.environ.get("PYTHONPATH", "")])}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
    names = [path for path in (repo / "src").rglob("*.py") if "history" not in path.parts and path.name != "history.py"]
    assert [path for path in names if "server.history" in path.read_text()] == []


def test_s3(fake_bucket: str, ring: KeyRing) -> None:
    """What a folder does, a bucket does (moto, a fake of S3): written whole, read by digest, dropped."""
    shelf = Shelf(fake_bucket)
    listed = export(shelf, ring, "default", EVENTS[:50], told, 30)
    assert list_of(shelf, ring, "default") == listed
    assert read_events(shelf, listed.parts[1], "default") == EVENTS[30:50]
    ask = passes.Ask(shelf.address, run_of(listed), "default")
    after = passes.learn_part(ask, 0, listed.parts[0], passes.first_book(ask))
    passes.replay_part(ask, 1, listed.parts[1], after)
    shelf.drop(after.name)
    assert not shelf.holds(after.name)


@pytest.fixture
def fake_bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import logging  # noqa: PLC0415

    import boto3  # type: ignore[import-untyped] # noqa: PLC0415
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - takes a second, and one test needs it

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server: Any = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    for name, value in {
        "AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    boto3.client("s3", endpoint_url=address).create_bucket(Bucket="lake")
    yield "s3://lake/acme"
    server.stop()
