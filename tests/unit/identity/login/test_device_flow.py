import pytest

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.login import device_flow
from ostiary.identity.login.granting import Granting
from ostiary.identity.login.provider import Provider
from ostiary.identity.login.talking import Answer
from ostiary.keys import ES256, SigningKey
from ostiary.testing.fake_clock import FakeClock

PROVIDER = Provider("https://idp.example", "https://idp.example/d", "https://idp.example/t", proofs=True)
BEGUN = {
    "device_code": "dc",
    "user_code": "AB-CD",
    "verification_uri": "https://idp.example/go",
    "expires_in": 60,
    "interval": 5,
}
TOKENS = {"access_token": "a.b.c", "token_type": "DPoP", "expires_in": 60, "refresh_token": "r"}


class Script:
    """Answers what it was told to, in order."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def fetch(self, url):
        raise AssertionError(url)

    def post(self, url, form, proof=""):
        self.asked.append((url, form, proof))
        return self.answers.pop(0)


def no(error, **more):
    return Answer(400, {"error": error, **more})


def flow(*answers, begun=BEGUN):
    clock, slept = FakeClock(), []
    talk = Script(Answer(200, begun), *answers)
    granting = Granting(PROVIDER, "cli", SigningKey.generate("h", ES256), talk, clock)

    def sleep(seconds):
        slept.append(seconds)
        clock.advance(seconds)

    started = device_flow.begin(granting, talk, "cli", "openid", clock)
    return started, lambda: device_flow.wait(granting, started, clock, sleep), slept, talk


def test_the_wait_obeys_the_provider():
    _, wait, slept, talk = flow(no("authorization_pending"), no("slow_down"), Answer(200, TOKENS))
    granted = wait()
    assert slept == [5, 5, 10]
    assert (granted.access_token, granted.bound, granted.refresh_token) == ("a.b.c", True, "r")
    assert all(form["client_id"] == "cli" for _, form, _ in talk.asked)
    assert all(proof for _, _, proof in talk.asked[1:])


def test_a_nonce_is_answered_once():
    wanted = Answer(400, {"error": "use_dpop_nonce"}, "n-1")
    _, wait, slept, talk = flow(wanted, Answer(200, TOKENS))
    assert wait().bound
    assert slept == [5]
    assert talk.asked[1][2] != talk.asked[2][2]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (no("access_denied"), "login_refused"),
        (no("expired_token"), "login_expired"),
        (Answer(500, {}), "provider_unavailable"),
        (Answer(200, {"access_token": "a.b.c", "token_type": "mac"}), "provider_unavailable"),
        (Answer(200, {"access_token": "a b", "token_type": "bearer"}), "provider_unavailable"),
        (Answer(200, {}), "provider_unavailable"),
    ],
)
def test_what_is_no_token_ends_it(answer, code):
    _, wait, _, _ = flow(answer)
    with pytest.raises((RefusedError, UnavailableError)) as caught:
        wait()
    assert caught.value.code == code


def test_nobody_waits_longer_than_the_code_lives():
    _, wait, slept, _ = flow(*[no("authorization_pending")] * 40)
    with pytest.raises(RefusedError) as caught:
        wait()
    assert caught.value.code == "login_expired"
    assert sum(slept) <= 65


@pytest.mark.parametrize(
    "changes",
    [
        {"verification_uri": "http://idp.example/go"},
        {"verification_uri": "javascript:x"},
        {"user_code": ""},
        {"user_code": 7},
        {"device_code": ""},
        {"device_code": "x" * 5000},
        {"verification_uri_complete": "data:text/html,x"},
    ],
)
def test_an_address_that_is_none_is_not_shown(changes):
    with pytest.raises(UnavailableError):
        flow(begun={**BEGUN, **changes})


def test_a_provider_cannot_write_to_the_terminal():
    started, _, _, _ = flow(begun={**BEGUN, "user_code": "AB\x1b[2J\nCD"})
    assert started.shown.user_code == "AB[2JCD"
    with pytest.raises(RefusedError) as caught:
        flow(no("access_denied", error_description="\x1b[31mred\n"))[1]()
    assert "\x1b" not in caught.value.message
    assert "\n" not in caught.value.message
