"""A challenge is ours, for one thing, in time, once."""

import threading
from typing import Any

import msgspec
import pytest

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.webauthn.challenges import RANDOM_BYTES, Binding, Challenges
from ostiary.identity.webauthn.codes import WORDS, StepUpRefusal
from ostiary.identity.webauthn.types import clean_name, clean_subject
from ostiary.keys import random_bytes, sha256

BINDING = Binding("step_up", "acme", "user:ann", "s1", "drop", "table", "orders", "dec_1", expires_ns=100)
CHANGES: dict[str, Any] = {
    "purpose": "confirm",
    "tenant": "beta",
    "subject": "user:bob",
    "session": "s2",
    "action": "read",
    "resource_type": "doc",
    "resource_id": "people",
    "cause": "dec_2",
    "expires_ns": 101,
    "confirmed_by": "AQID",
}


@pytest.fixture
def book() -> Challenges:
    return Challenges(random_bytes(32))


def refused(book: Challenges, challenge: bytes, seal: bytes, binding: Binding, now_ns: int = 1) -> str:
    with pytest.raises(RefusedError) as caught:
        book.check(challenge, seal, binding, now_ns)
    return caught.value.code


def test_every_member_of_the_binding_counts(book: Challenges) -> None:
    assert set(CHANGES) == set(Binding.__struct_fields__)
    issued = book.issue(BINDING, random_bytes(RANDOM_BYTES))
    book.check(issued.challenge, issued.seal, BINDING, 1)
    for name, value in CHANGES.items():
        other = msgspec.structs.replace(BINDING, **{name: value})
        assert refused(book, issued.challenge, issued.seal, other) == "challenge_other_request", name


def test_members_do_not_run_into_each_other() -> None:
    one = msgspec.structs.replace(BINDING, action="a", resource_type="bc")
    other = msgspec.structs.replace(BINDING, action="ab", resource_type="c")
    assert one.digest != other.digest


def test_nobody_else_makes_a_challenge_of_ours(book: Challenges) -> None:
    forged = random_bytes(RANDOM_BYTES) + BINDING.digest
    assert refused(book, forged, sha256(forged), BINDING) == "challenge_unknown"
    issued = Challenges(random_bytes(32)).issue(BINDING, random_bytes(RANDOM_BYTES))
    assert refused(book, issued.challenge, issued.seal, BINDING) == "challenge_unknown", "another process's"
    mine = book.issue(BINDING, random_bytes(RANDOM_BYTES))
    changed = bytes([mine.challenge[0] ^ 1]) + mine.challenge[1:]
    assert refused(book, changed, mine.seal, BINDING) == "challenge_unknown"


def test_it_ends_at_its_moment(book: Challenges) -> None:
    issued = book.issue(BINDING, random_bytes(RANDOM_BYTES))
    book.check(issued.challenge, issued.seal, BINDING, 99)
    assert refused(book, issued.challenge, issued.seal, BINDING, 100) == "challenge_expired"


def test_of_many_uses_at_once_one_counts(book: Challenges) -> None:
    challenge = book.issue(BINDING, random_bytes(RANDOM_BYTES)).challenge
    outcomes: list[str] = []

    def use() -> None:
        try:
            book.use(challenge, BINDING, 1)
            outcomes.append("used")
        except RefusedError as no:
            outcomes.append(no.code)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [*["challenge_used"] * 7, "used"]


def test_a_full_memory_refuses_and_another_tenants_does_not_fill_it() -> None:
    small = Challenges(random_bytes(32), MemoryReplay(0, 2))
    for _ in range(2):
        small.use(random_bytes(64), BINDING, 1)
    with pytest.raises(UnavailableError) as caught:
        small.use(random_bytes(64), BINDING, 1)
    assert caught.value.code == "step_up_busy"
    small.use(random_bytes(64), msgspec.structs.replace(BINDING, tenant="beta"), 1)


def test_every_code_has_its_words_and_they_are_alphabetical() -> None:
    codes = [code.value for code in StepUpRefusal]
    assert codes == sorted(codes)
    assert set(WORDS) == set(codes)
    for text in WORDS.values():
        assert text[0].islower()
        assert not text.endswith(".")


def test_names_and_subjects_are_single_lines() -> None:
    assert clean_name("  my key ") == "my key"
    assert clean_subject("user:ann:lee") == "user:ann:lee"
