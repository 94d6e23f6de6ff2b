"""Review 14: of two processes that answer one request for access, one does; the other's answer changes nothing."""

from pathlib import Path

import pytest

from ostiary.approvals.access import AccessRequest, Answered, Asked, scope
from ostiary.errors import RefusedError
from ostiary.server.access import answering
from ostiary.server.deeds import record_about
from ostiary.server.places import Places
from ostiary.server.settings import Settings
from ostiary.server.wiring import House, open_house
from ostiary.vocabulary.clock import SystemClock

HOUR_NS = 3600 * 10**9


def request(house: House, name: str) -> AccessRequest:
    asked, now = Asked("user:mia", "read", "db", "customers", scope({}, {})), house.clock.now_ns()
    made = AccessRequest(name, "default", "gw", asked, "dec_1", now + HOUR_NS, "a report", now, now + HOUR_NS)
    house.access.book.keep(made)
    return made


def grants(house: House, made: AccessRequest) -> list[str]:
    found = house.access.book.names("default").values()
    held = (house.access.book.named("default", name) for names in found for name in names)
    return [one.id for one in held if one is not None and one.request == made.id]


@pytest.mark.parametrize("first", ["denied", "cancelled"])
def test_a_yes_that_comes_after_another_process_said_no_grants_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """Both saw that the request waits; the yes was written over the no, and the grant held."""
    with open_house(Places(tmp_path), Settings(), SystemClock(), lambda *_: None) as house:
        made = request(house, f"arq_{first}")

        def other_process_is_quicker(subject: str, *told: object, **more: object) -> str:
            book, now = house.access.book, house.clock.now_ns()
            book.end("default", made.id, Answered(first, now, "adm_other"))  # type: ignore[arg-type]
            return record_about(subject, *told, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(answering, "record_about", other_process_is_quicker)
        with pytest.raises(RefusedError, match="does not wait"):
            answering.answer_by(house, "adm_1", "default", made.id, grants=True)
        answered = house.access.book.answer("default", made.id)
        assert (answered and (answered.status, answered.by), grants(house, made)) == ((first, "adm_other"), [])
        assert answering.settle(house, made) == answered
