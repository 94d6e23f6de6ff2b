"""Small parts of step-up: origins, where a page may lead back to, who we are to a browser, and the settings."""

from pathlib import Path

import pytest

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.server.checkup import examine
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.settings.sections import Settings
from ostiary.server.step_up.origins import may_return, origin_of
from ostiary.server.step_up.pages import shown
from ostiary.server.step_up.party import page_base, party_of, rules_of, step_up_base
from ostiary.testing.fake_clock import FakeClock

APP = ("https://app.example.org",)
NO_WAY_BACK = [
    "https://app.example.org.evil.example/",
    "https://app.example.org@evil.example/",
    "https://evil.example/https://app.example.org",
    "https://app.example.org:444/",
    "http://app.example.org/",
    "//app.example.org/",
    "/orders",
    "javascript:alert(1)//https://app.example.org",
    "https://app.example.org\\@evil.example/",
    "https:/\\app.example.org",
    "https://app.example.org/ x",
    "https://app.example.org/\n",
    " https://app.example.org/",
    "https://app.example.org/" + "x" * 3000,
    "https://[::1",
    "https://app.example.org:port/",
    "https://аpp.example.org/",  # noqa: RUF001 - a letter that only looks right is the attack
    "",
]


@pytest.mark.parametrize("url", NO_WAY_BACK)
def test_no_way_back_but_to_our_own(url: str) -> None:
    assert may_return(url, APP) == ""


@pytest.mark.parametrize(
    "url", ["https://app.example.org", "https://app.example.org/a?b=c#d", "HTTPS://APP.example.org/"]
)
def test_back_to_where_one_came_from(url: str) -> None:
    assert may_return(url, APP) == url


def test_origins_are_as_browsers_write_them() -> None:
    assert origin_of("https://ID.example.org:443/x") == "https://id.example.org"
    assert origin_of("http://[::1]:8181/") == "http://[::1]:8181"
    assert origin_of("ftp://x") == origin_of("https://") == origin_of("nothing") == ""


def settings(**sections: object) -> Settings:
    return load(None, environ={}, options=sections).settings


def test_the_party_comes_from_the_public_address() -> None:
    party = party_of(settings(server={"public_url": "https://id.example.org/ostiary/"}))
    assert party is not None
    assert (party.rp_id, party.origins) == ("id.example.org", ("https://id.example.org",))
    assert (
        page_base(settings(server={"public_url": "https://id.example.org/ostiary/"}))
        == "https://id.example.org/ostiary"
    )


def test_a_wider_domain_is_for_the_administrator_to_say() -> None:
    wide = {"rp_id": "example.org", "origins": ("https://id.example.org", "https://www.example.org")}
    party = party_of(settings(server={"public_url": "https://id.example.org"}, step_up=wide))
    assert party is not None
    assert (party.rp_id, len(party.origins)) == ("example.org", 2)


def test_without_a_domain_there_is_no_page() -> None:
    assert step_up_base(settings(server={"public_url": "https://192.0.2.7"})) == ""
    assert step_up_base(settings(step_up={"enabled": False})) == ""
    assert step_up_base(settings(server={"port": 0})) == ""
    assert step_up_base(settings(server={"host": "::1"})) == "http://localhost:8181"


@pytest.mark.parametrize(
    "wrong",
    [
        {"origins": ("https://id.example.org/",)},
        {"origins": ("id.example.org",)},
        {"return_origins": ("https://APP.example.org",)},
        {"models": ("00000000-0000-0000-0000-000000000001",)},
        {"models": ("yubikey",), "attestation_roots": "roots.pem"},
        {"answer_s": 0},
        {"unknown": 1},
    ],
)
def test_what_cannot_work_is_refused_at_the_start(wrong: dict[str, object]) -> None:
    with pytest.raises(FaultyInputError) as caught:
        settings(step_up=wrong)
    assert caught.value.code == "config_invalid"


def test_roots_that_are_not_there_fail_closed(tmp_path) -> None:
    wanted = {"models": ("00000000-0000-0000-0000-000000000001",), "attestation_roots": str(tmp_path / "none.pem")}
    with pytest.raises(UnavailableError):
        rules_of(settings(step_up=wanted).step_up)
    (tmp_path / "none.pem").write_text("no certificate here")
    with pytest.raises(UnavailableError):
        rules_of(settings(step_up=wanted).step_up)


def test_names_are_shown_without_tricks() -> None:
    assert shown("a\u202eb\u0000c\u200bd") == "a\ufffdb\ufffdc\ufffdd"
    assert shown("x" * 400) == "x" * 300 + "…"


def findings(wanted: Settings) -> list[tuple[str, str]]:
    told = examine(Places(Path("/nonexistent")), lambda: wanted, FakeClock(2_000_000_000 * 10**9))
    return [(one.state.value, one.text) for one in told if one.check == "step-up"]


def test_the_doctor_says_where_passkeys_will_not_work(tmp_path) -> None:
    assert findings(settings()) == []
    assert findings(settings(server={"public_url": "https://id.example.org"})) == []
    ((state, text),) = findings(settings(server={"public_url": "https://192.0.2.7"}))
    assert (state, "need one" in text) == ("mind", True)
    ((state, text),) = findings(settings(server={"public_url": "http://id.example.org"}))
    assert (state, "http://id.example.org" in text) == ("wrong", True)
    other = {"rp_id": "other.example"}
    ((state, text),) = findings(settings(server={"public_url": "https://id.example.org"}, step_up=other))
    assert (state, "other.example" in text) == ("wrong", True)
    ((state, _),) = findings(settings(step_up={"attestation_roots": str(tmp_path / "none.pem")}))
    assert state == "wrong"
