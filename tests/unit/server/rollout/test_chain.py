"""The chain of statements: what is forged, replayed, erased, skipped or raced is no state, and it is told."""

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.audit import Appended, StoredRecord
from ostiary.errors import FaultyInputError, RefusedError, UnavailableError, VerificationError
from ostiary.keys import KeyRing
from ostiary.server.rollout.chain import KIND, Chain
from ostiary.server.rollout.statement import MAX_SETTINGS, Change, Read, Setting, State, read, sign
from ostiary.testing.fake_clock import FakeClock
from ostiary.vocabulary.effects import Phase

DEMOTE = Change("demote", "deny", before="high_impact", after="shadow", by="adm_1")
SHADOW = (Setting("deny", base=Phase.SHADOW),)


class ListLog:
    """A log in a list."""

    def __init__(self) -> None:
        self.records: list[StoredRecord] = []
        self.full = False

    def append(self, tenant: str, kind: str, record_id: str, at: int, payload: bytes, about: str) -> Future[Any]:
        done: Future[Any] = Future()
        if self.full:
            done.set_exception(UnavailableError("disk_full", "no room"))
            return done
        index = len(self.records)
        self.records.append(StoredRecord(index, tenant, kind, record_id, at, payload, b""))
        done.set_result(Appended(index, b""))
        return done

    def iterate(self, tenant: str, kind: str, since: int = 0) -> Iterator[StoredRecord]:
        return iter([one for one in self.records[since:] if (one.tenant, one.kind) == (tenant, kind)])

    def head(self) -> Any:
        return SimpleNamespace(size=len(self.records))


@pytest.fixture
def log() -> ListLog:
    return ListLog()


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing(tmp_path / "ring", FakeClock())


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def chain(log: ListLog, ring: KeyRing, told: list[str]) -> Chain:
    return another(log, ring, told)


def another(log: Any, ring: KeyRing, told: list[str]) -> Chain:
    return Chain(log, ring, FakeClock(), lambda reason, _fault: told.append(reason))


def add(chain: Chain, settings: tuple[Setting, ...] = SHADOW) -> Read:
    return chain.add("acme", chain.last_good("acme"), DEMOTE, settings, ())


def put(log: ListLog, payload: bytes | None, tenant: str = "acme") -> None:
    log.append(tenant, KIND, "phs_x", 1, payload or b"", "").result()
    log.records[-1] = msgspec.structs.replace(log.records[-1], payload=payload)


def test_a_change_counts_for_every_process_that_reads_the_log(chain: Chain, log: ListLog, ring: KeyRing) -> None:
    first, second = add(chain), add(chain, ())
    other = another(log, ring, []).look("acme")
    assert other == second
    assert (first.state.number, second.state.number, second.state.previous) == (1, 2, first.digest)
    assert [state.number for state in chain.history("acme")] == [2, 1]
    assert chain.look("beta") is None


@pytest.mark.parametrize("payload", [b"", b"{}", b"[1]", b'{"v":1}', None])
def test_what_is_no_signed_statement_ends_all_belief_until_the_next_good_one(
    chain: Chain, log: ListLog, told: list[str], payload: bytes | None
) -> None:
    add(chain)
    put(log, payload)
    with pytest.raises(VerificationError, match="do not verify"):
        chain.look("acme")
    assert told == ["phases_unverified"]
    mended = add(chain)
    assert (chain.look("acme"), mended.state.number) == (mended, 2)


def test_a_statement_of_another_deployment_is_not_believed(
    chain: Chain, log: ListLog, told: list[str], tmp_path: Path
) -> None:
    head = add(chain)
    forger = KeyRing(tmp_path / "forger", FakeClock())
    forged = State("acme", 2, head.digest, 1, DEMOTE, (Setting("deny", base=Phase.HIGH_IMPACT),))
    put(log, sign(forged, forger))
    with pytest.raises(VerificationError):
        chain.look("acme")
    assert told == ["phases_unverified"]


def test_a_changed_byte_of_a_signed_statement_is_not_believed(chain: Chain, log: ListLog) -> None:
    add(chain)
    payload = log.records[0].payload or b""
    log.records[0] = msgspec.structs.replace(log.records[0], payload=payload.replace(b"SHADOW", b"HIGHER"))
    log.records[0] = msgspec.structs.replace(log.records[0], payload=payload.replace(b'"base":1', b'"base":3'))
    with pytest.raises(VerificationError):
        another(log, chain._ring, []).look("acme")


def test_an_old_statement_said_again_changes_nothing(chain: Chain, log: ListLog, told: list[str]) -> None:
    add(chain, ())
    newest = add(chain)
    put(log, log.records[0].payload)
    assert chain.look("acme") == newest
    assert told == []


def test_another_tenants_statement_is_not_believed(chain: Chain, log: ListLog) -> None:
    add(chain)
    put(log, log.records[0].payload, tenant="beta")
    with pytest.raises(VerificationError):
        chain.look("beta")


def test_a_gap_and_another_past_are_no_state(chain: Chain, log: ListLog, ring: KeyRing) -> None:
    head = add(chain)
    for number, previous in ((3, head.digest), (2, "sha256:other")):
        put(log, sign(State("acme", number, previous, 1, DEMOTE), ring))
        with pytest.raises(VerificationError):
            chain.look("acme")


def test_a_log_that_became_shorter_is_no_state(chain: Chain, log: ListLog, told: list[str]) -> None:
    add(chain)
    add(chain)
    log.records.pop()
    with pytest.raises(VerificationError):
        chain.look("acme")
    assert told == ["phases_unverified"]


def test_of_two_who_stand_on_the_same_state_one_wins(chain: Chain, log: ListLog, ring: KeyRing) -> None:
    other = another(log, ring, [])
    head = other.last_good("acme")
    won = add(chain)
    with pytest.raises(RefusedError) as caught:
        other.add("acme", head, DEMOTE, (), ())
    assert caught.value.code == "phases_changed"
    assert chain.look("acme") == other.look("acme") == won


def test_what_cannot_be_recorded_did_not_happen(chain: Chain, log: ListLog) -> None:
    before = add(chain)
    log.full = True
    with pytest.raises(UnavailableError):
        add(chain, ())
    assert chain.look("acme") == before


def test_a_tenant_has_so_many_settings_and_no_more(chain: Chain) -> None:
    many = tuple(Setting(f"playbook:{number}") for number in range(MAX_SETTINGS + 1))
    promoted = msgspec.structs.replace(DEMOTE, what="promote")
    with pytest.raises(FaultyInputError):
        chain.add("acme", chain.last_good("acme"), promoted, many, ())


def test_news_are_told_once_and_what_was_before_is_no_news(chain: Chain, log: ListLog, ring: KeyRing) -> None:
    add(chain)
    late, heard = another(log, ring, []), list[int]()
    late.listen(lambda state: heard.append(state.number))
    late.look("acme")
    add(chain)
    late.look("acme")
    late.look("acme")
    assert heard == [2]


@given(
    st.binary(max_size=300)
    | st.from_regex(rb'\{"state":\{.{0,80}\},"kid":".{0,9}","signature":".{0,9}"\}', fullmatch=True)
)
def test_whatever_lies_in_the_log_is_read_or_refused(payload: bytes) -> None:
    with pytest.raises(VerificationError):
        read(payload, "acme", {})
