"""One promise, two books: numbers of approvals' acts in memory and in SQLite, alone and under the room."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stores import EVERY, Stores

from ostiary.approvals.ports import ApprovalBook
from ostiary.audit import AuditLog
from ostiary.errors import RefusedError
from ostiary.keys import KeyRing, SubjectVault
from ostiary.storage.tables import Store
from ostiary.testing.approval_book import MemoryApprovalBook
from ostiary.testing.approval_scene import PEOPLE, PHASE, TENANT, ApprovalScene
from ostiary.testing.authenticator_store import MemoryAuthenticators
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.memory_store import MemoryStore

Either = Store | MemoryStore


@pytest.fixture(params=EVERY)
def store(request: pytest.FixtureRequest, stores: Stores) -> Iterator[Either]:
    if request.param == "memory":
        yield MemoryStore()
        return
    yield stores(request.param)


@pytest.fixture
def book(store: Either) -> ApprovalBook:
    return store.approvals if isinstance(store, Store) else MemoryApprovalBook(store)


@pytest.fixture
def scene(store: Either, book: ApprovalBook, tmp_path: Path) -> Iterator[ApprovalScene]:
    clock = FakeClock()
    passkeys = store.authenticators if isinstance(store, Store) else MemoryAuthenticators()
    vault, ring = SubjectVault(tmp_path / "vault", store), KeyRing(tmp_path / "ring", clock)
    with AuditLog(store, vault, ring, clock) as log:
        yield ApprovalScene(log, book, clock, passkeys)


def together(*acts: Callable[[], object]) -> list[str]:
    """Do all at once; return the code of each that was refused, sorted."""
    start, codes = threading.Barrier(len(acts)), list[str]()

    def run(act: Callable[[], object]) -> None:
        start.wait(10)
        try:
            act()
        except RefusedError as no:
            codes.append(no.code)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    return sorted(codes)


def test_a_number_is_given_once(book: ApprovalBook) -> None:
    assert book.add("acme", "apr_1", 1, "apl_1")
    assert not book.add("acme", "apr_1", 1, "apl_2")
    assert book.add("acme", "apr_1", 2, "apl_2")
    assert book.add("beta", "apr_1", 1, "apl_3")
    assert list(book.acts("acme", "apr_1")) == [(1, "apl_1"), (2, "apl_2")]
    assert list(book.acts("beta", "apr_1")) == [(1, "apl_3")]
    assert list(book.acts("acme", "apr_2")) == []


def test_the_newest_proposals_come_first_and_the_law_is_none(book: ApprovalBook) -> None:
    for topic in ("apr_1", "law", "apr_3", "apr_2"):
        book.add("acme", topic, 1, "apl")
    book.add("acme", "apr_3", 2, "apl")
    assert list(book.topics("acme", 2)) == ["apr_3", "apr_2"]
    assert list(book.sizes("acme", 2)) == [("apr_3", 2), ("apr_2", 1)]
    assert list(book.sizes("beta", 2)) == []
    assert list(book.topics("beta", 2)) == []


def test_two_last_approvals_at_once_both_stand(scene: ApprovalScene) -> None:
    made = scene.propose()
    people = [one.name for one in PEOPLE]
    codes = together(*(lambda name=name: scene.says(name, made) for name in people))
    assert codes == []
    standing = scene.room.standing(TENANT, made.proposal_id)
    assert (standing.state, standing.tally.agreed, standing.acts) == ("approved", tuple(sorted(people)), 5)


def test_of_many_that_use_it_one_does(scene: ApprovalScene) -> None:
    made = scene.agreed()
    codes = together(*[lambda: scene.quorum.use(PHASE, made.proposal_id, "test")] * 6)
    assert codes == ["approval_used"] * 5


def test_a_yes_against_a_no_ends_as_no(scene: ApprovalScene) -> None:
    made = scene.agreed(people=("user:ann",))
    codes = together(lambda: scene.says("user:bob", made), lambda: scene.says("user:cyd", made, "reject"))
    assert codes in ([], ["approval_denied"])
    assert scene.room.standing(TENANT, made.proposal_id).state == "rejected"


def test_use_against_withdrawal_ends_withdrawn(scene: ApprovalScene) -> None:
    made = scene.agreed()
    codes = together(
        lambda: scene.quorum.use(PHASE, made.proposal_id, "test"),
        lambda: scene.room.withdraw(TENANT, made.proposal_id, "user:zed"),
    )
    assert codes in ([], ["approval_withdrawn"])
    with pytest.raises(RefusedError) as no:
        scene.quorum.check(PHASE, made.proposal_id, scene.clock.now_ns())
    assert no.value.code == "approval_withdrawn"


def test_use_against_a_no_is_one_or_the_other(scene: ApprovalScene) -> None:
    made = scene.agreed()
    codes = together(
        lambda: scene.quorum.use(PHASE, made.proposal_id, "test"), lambda: scene.says("user:cyd", made, "reject")
    )
    assert codes in (["approval_denied"], ["approval_used"])


def test_the_first_people_are_named_by_one(store: Either, book: ApprovalBook, tmp_path: Path) -> None:
    clock = FakeClock()
    vault, ring = SubjectVault(tmp_path / "vault", store), KeyRing(tmp_path / "ring", clock)
    with AuditLog(store, vault, ring, clock) as log:
        room = ApprovalScene(log, book, clock, people=PEOPLE, tenant="default").room
        codes = together(*[lambda: room.bootstrap("system", PEOPLE, "command line")] * 3)
    assert codes == ["approval_people_exist"] * 2
