"""Passkeys, invitations and recoveries: one suite for every backend."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from stores import EVERY, Stores

from ostiary.identity.webauthn.ports import MAX_OPEN, Invitation, Passkeys, Recovery
from ostiary.identity.webauthn.types import Authenticator
from ostiary.storage.sqlite import open_store
from ostiary.testing.authenticator_store import MemoryAuthenticators
from ostiary.testing.fake_clock import FakeClock

if TYPE_CHECKING:
    from ostiary.storage.tables import Store

ANN = Authenticator(
    tenant="acme",
    subject="user:ann",
    credential_id="AQID",
    public_key=b"cose",
    user_handle=b"handle",
    sign_count=3,
    name="blue key",
    transports=("usb", "nfc"),
    created_ns=10,
)
INVITATION = Invitation("acme", "user:ann", "h0", "adm_1", 1, 99)
RECOVERY = Recovery("acme", "rec_0", "user:ann", "adm_1", "lost my bag", 1, 99)


@pytest.fixture(params=EVERY)
def store(request: pytest.FixtureRequest, stores: Stores) -> Iterator[Passkeys]:
    if request.param == "memory":
        yield MemoryAuthenticators()
        return
    yield stores(request.param).authenticators


def another(credential_id: str, **changes: object) -> Authenticator:
    return msgspec.structs.replace(ANN, credential_id=credential_id, **changes)


def test_a_passkey_comes_back_as_it_was_kept(store: Passkeys) -> None:
    assert store.add(ANN, most=2, first=True) == "added"
    assert store.of_subject("acme", "user:ann") == [ANN]


def test_another_tenant_or_subject_has_none_of_it(store: Passkeys) -> None:
    store.add(ANN, most=2, first=True)
    for tenant, subject in (("beta", "user:ann"), ("acme", "user:bob")):
        assert store.of_subject(tenant, subject) == []
        assert not store.used(tenant, subject, "AQID", before=3, sign_count=4, at_ns=20)
        assert not store.rename(tenant, subject, "AQID", "mine")
        assert not store.remove(tenant, subject, "AQID")
        assert store.remove_all(tenant, subject) == 0
    assert store.of_subject("acme", "user:ann") == [ANN]


def test_a_credential_id_belongs_to_one_subject_of_a_tenant(store: Passkeys) -> None:
    store.add(ANN, most=2, first=True)
    assert store.taken("acme", "AQID")
    assert not store.taken("beta", "AQID")
    assert store.add(another("AQID", subject="user:bob"), most=2, first=True) == "exists"
    assert not store.had("acme", "user:bob")
    assert store.add(another("AQID", tenant="beta"), most=2, first=True) == "added"
    assert store.of_subject("acme", "user:bob") == []


def test_a_subject_has_so_many_and_no_more(store: Passkeys) -> None:
    assert store.add(ANN, most=2, first=True) == "added"
    assert store.add(another("BBBB", created_ns=11), most=2, first=True) == "not_first"
    assert store.add(another("BBBB", created_ns=11), most=2, first=False) == "added"
    assert store.add(another("CCCC"), most=2, first=False) == "limit"
    assert [one.credential_id for one in store.of_subject("acme", "user:ann")] == ["AQID", "BBBB"]


def test_a_use_counts_only_from_where_the_counter_stood(store: Passkeys) -> None:
    store.add(ANN, most=2, first=True)
    assert store.used("acme", "user:ann", "AQID", before=3, sign_count=7, at_ns=20)
    assert not store.used("acme", "user:ann", "AQID", before=3, sign_count=8, at_ns=21)
    (kept,) = store.of_subject("acme", "user:ann")
    assert (kept.sign_count, kept.used_ns, kept.transports) == (7, 20, ("usb", "nfc"))


def test_it_can_be_renamed_and_removed(store: Passkeys) -> None:
    store.add(ANN, most=2, first=True)
    assert store.rename("acme", "user:ann", "AQID", "red key")
    assert store.of_subject("acme", "user:ann")[0].name == "red key"
    assert store.remove("acme", "user:ann", "AQID")
    assert not store.remove("acme", "user:ann", "AQID")
    assert not store.used("acme", "user:ann", "AQID", before=3, sign_count=4, at_ns=20)
    assert store.of_subject("acme", "user:ann") == []


def test_taking_the_last_one_away_makes_no_first_one_possible(store: Passkeys) -> None:
    assert not store.had("acme", "user:ann")
    store.add(ANN, most=2, first=True)
    store.remove("acme", "user:ann", "AQID")
    assert store.had("acme", "user:ann")
    assert not store.had("beta", "user:ann")
    assert store.add(another("BBBB"), most=2, first=True) == "not_first"
    assert store.remove_all("acme", "user:ann") == 0
    assert not store.had("acme", "user:ann")
    assert store.add(another("BBBB"), most=2, first=True) == "added"


def test_an_invitation_is_taken_once(store: Passkeys) -> None:
    store.save_invitation(INVITATION)
    assert store.find_invitation("h0") == INVITATION
    assert store.find_invitation("h1") is None
    assert store.take_invitation("h0")
    assert not store.take_invitation("h0")
    assert store.find_invitation("h0") is None


def test_of_many_racing_takers_one_wins(store: Passkeys) -> None:
    store.save_invitation(INVITATION)
    store.save_recovery(RECOVERY)
    won: list[str] = []

    def race() -> None:
        if store.take_invitation("h0"):
            won.append("invitation")
        if store.take_recovery("acme", "rec_0"):
            won.append("recovery")

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == ["invitation", "recovery"]


def test_only_the_newest_few_stay_open(store: Passkeys) -> None:
    for number in range(MAX_OPEN + 2):
        at = {"created_ns": number}
        store.save_invitation(msgspec.structs.replace(INVITATION, token_hash=f"h{number}", **at))
        store.save_recovery(msgspec.structs.replace(RECOVERY, recovery_id=f"rec_{number}", **at))
    store.save_invitation(msgspec.structs.replace(INVITATION, token_hash="other", subject="user:bob"))
    assert store.find_invitation("h1") is None
    assert store.find_invitation("h2") is not None
    assert store.find_invitation("other") is not None
    assert [one.recovery_id for one in store.recoveries("acme")] == [f"rec_{n}" for n in range(2, MAX_OPEN + 2)]


def test_a_recovery_belongs_to_its_tenant(store: Passkeys) -> None:
    store.save_recovery(RECOVERY)
    assert store.find_recovery("beta", "rec_0") is None
    assert store.recoveries("beta") == []
    assert not store.take_recovery("beta", "rec_0")
    assert store.find_recovery("acme", "rec_0") == RECOVERY
    assert store.take_recovery("acme", "rec_0")
    assert not store.take_recovery("acme", "rec_0")


def test_a_subject_is_forgotten_in_all_of_it(store: Passkeys) -> None:
    store.add(ANN, most=9, first=True)
    store.add(another("BBBB"), most=9, first=False)
    store.add(another("CCCC", subject="user:bob"), most=9, first=True)
    store.save_invitation(INVITATION)
    store.save_recovery(RECOVERY)
    assert store.remove_all("acme", "user:ann") == 2
    assert store.find_invitation("h0") is None
    assert store.recoveries("acme") == []
    assert len(store.of_subject("acme", "user:bob")) == 1


def test_who_begins_anew_has_nothing_but_the_memory_of_it(store: Passkeys) -> None:
    assert store.begin_anew("acme", "user:ann") == 0
    assert not store.had("acme", "user:ann")
    store.add(ANN, most=9, first=True)
    store.save_invitation(INVITATION)
    store.save_recovery(RECOVERY)
    assert store.begin_anew("acme", "user:ann") == 1
    assert (store.of_subject("acme", "user:ann"), store.find_invitation("h0"), store.recoveries("acme")) == (
        [],
        None,
        [],
    )
    assert store.had("acme", "user:ann")
    assert store.add(ANN, most=9, first=True) == "not_first"
    assert store.add(ANN, most=9, first=False) == "added"


def test_a_deleted_tenant_leaves_nothing_on_disk(tmp_path: Path) -> None:
    store: Store
    with open_store(tmp_path / "ostiary.db", FakeClock()) as store:
        store.authenticators.add(ANN, most=9, first=True)
        store.authenticators.save_invitation(INVITATION)
        store.authenticators.save_recovery(RECOVERY)
        store.forget_tenant("acme")
        assert store.authenticators.of_subject("acme", "user:ann") == []
        assert store.authenticators.recoveries("acme") == []
        assert store.authenticators.find_invitation("h0") is None
        files = b"".join(path.read_bytes() for path in tmp_path.glob("ostiary.db*"))
        assert b"blue key" not in files
