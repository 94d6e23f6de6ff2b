"""A transmitter that may end sessions here may not end those of people for whom it does not speak."""

from typing import Any

import pytest

from ostiary.identity.secevent.subjects import Aliases, Complex, Email, IssSub, Opaque, SubjectId
from ostiary.response.ssf.ending import end_sessions
from ostiary.response.ssf.naming import SubjectReading, inward
from ostiary.response.trigger import Trigger

OURS = "https://idp.example"
THEIRS = IssSub("https://other.example", "alice")
READING = SubjectReading((OURS,), sessions=True, opaque="catalogue")


class Ledger:
    """Ends whatever it is told to; alice's session is of the other domain."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def terminate(self, _tenant: str, session_id: str, **_told: Any) -> bool:
        self.ended.append(session_id)
        return True

    def revoke_subject(self, _tenant: str, subject: str, **_told: Any) -> tuple[str, ...]:
        self.ended.append(subject)
        return (subject,)

    def find(self, _tenant: str, _session_id: str) -> Any:
        return None

    def of_subject(self, _tenant: str, _subject: str) -> list[Any]:
        return []


def ended(subject: SubjectId, reading: SubjectReading = READING) -> list[str]:
    meant = inward(subject, reading, lambda _name, _value: "")
    ledger: Any = Ledger()
    names = (meant.subject, meant.session_id, meant.device_id)
    end_sessions(Trigger("sig_1", "acme", "signal:session-revoked", *names, {}, 1), ledger)
    found: list[str] = ledger.ended
    return found


@pytest.mark.parametrize("user", [THEIRS, Aliases((THEIRS, Email("alice@other.example"))), Opaque("nobody of ours")])
def test_a_session_of_somebody_elses_user_is_not_ended(user: SubjectId) -> None:
    assert ended(Complex({"user": user, "session": Opaque("s1")})) == []


def test_two_of_our_people_at_once_name_no_session() -> None:
    both = Aliases((IssSub(OURS, "alice"), IssSub(OURS, "bob")))
    assert ended(Complex({"user": both, "session": Opaque("s1")})) == []


def test_a_user_in_a_format_that_is_not_read_leaves_the_session_named() -> None:
    assert ended(Complex({"user": Email("alice@idp.example"), "session": Opaque("s1")})) == ["s1"]
    assert ended(Complex({"session": Opaque("s1")})) == ["s1"]
