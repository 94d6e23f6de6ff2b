"""Attack: a thief in an analyst's session lets the analyst's own device in again; one person takes every live tab."""

from collections.abc import Callable
from typing import Any

import pytest

from ostiary.errors import UnavailableError
from ostiary.identity.devices.speaking import Voice
from ostiary.keys import SigningKey
from ostiary.server.console.streams import Streams
from ostiary.server.step_up.party import page_base
from ostiary.testing.console import FakeBrowser
from ostiary.testing.devices import FINE

People = Callable[..., FakeBrowser]


def device_of(server: Any, *subjects: str) -> str:
    book, now, base = server.house.devices, server.house.clock.now_ns(), page_base(server.house.settings)
    invitation, code = book.draft("default", life_s=60, now_ns=now, by="adm", subjects=subjects, kind="laptop")
    book.invite(invitation, now)
    key = SigningKey.generate("device", "ES256")
    device: str = book.enrol(Voice(key, base).enrol(code, book.challenge("enrol", now), now_ns=now), now).device_id
    book.report(Voice(key, base, "default", device).report(FINE, 1, now_ns=now), now)
    return device


@pytest.mark.parametrize("owners", [("user:analyst-default",), ("user:mia", "user:analyst-default")])
def test_nobody_lets_its_own_device_in_again(server: Any, people: People, owners: tuple[str, ...]) -> None:
    analyst, path = people("analyst"), f"/devices/{device_of(server, *owners)}"
    assert analyst.deed(f"{path}/quarantine", {"reason": "lost_or_stolen"}).status_code == 200
    assert 'id="release"' not in analyst.get(path).text
    answer = analyst.deed(f"{path}/release", {"reason": "it is fine, really"})
    assert (answer.status_code, answer.json()["code"]) == (403, "console_own_subject")
    assert "shut out" in analyst.get(path).text
    assert people("owner").deed(f"{path}/release", {"reason": "seen at the desk"}).status_code == 200


def test_one_person_does_not_take_every_live_tab() -> None:
    streams = Streams(40)
    for _ in range(10):
        streams.enter("acme user:mal")
    with pytest.raises(UnavailableError, match="you have"):
        streams.enter("acme user:mal")
    streams.enter("acme user:ann")
    streams.leave("acme user:mal")
    streams.enter("acme user:mal")
    assert streams.of_now() == 11


def test_all_together_take_no_more_than_there_are() -> None:
    streams = Streams(2)
    streams.enter("a")
    streams.enter("b")
    with pytest.raises(UnavailableError, match="too many"):
        streams.enter("c")
    streams.leave("b")
    streams.enter("c")
    assert streams.of_now() == 2
