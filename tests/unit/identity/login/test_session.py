import threading

import pytest

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.login.granting import Granted, Granting
from ostiary.identity.login.provider import Provider, read_provider
from ostiary.identity.login.session import SignedIn, usable
from ostiary.identity.login.store import Login, LoginStore
from ostiary.identity.login.talking import Answer, HttpTalk
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.identity_provider import FakeProvider
from ostiary.vocabulary.clock import SystemClock

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def provider():
    with FakeProvider() as one:
        one.approve = True
        yield one


def sign_in(provider, folder, life_s=300):
    provider.life_s = life_s
    kept, talk, clock = LoginStore(folder), HttpTalk(), SystemClock()
    found = read_provider(talk.fetch(f"{provider.url}/.well-known/openid-configuration"), provider.url)
    granting = Granting(found, "cli", kept.key(), talk, clock)
    granted = granting.granted(granting.ask({"grant_type": DEVICE, "device_code": "device-code"}))
    kept.write(Login(found, "cli", "openid", granted))
    return kept


def test_a_fresh_token_is_used_as_it_is(provider, tmp_path):
    somebody = SignedIn(sign_in(provider, tmp_path / "l"), HttpTalk(), SystemClock())
    one, other = (somebody.headers("POST", "https://gw.example/v1/x") for _ in range(2))
    assert one["authorization"] == other["authorization"]
    assert one["authorization"].startswith("DPoP ")
    assert one["dpop"] != other["dpop"]
    assert len(provider.forms) == 1


def test_a_token_that_ends_is_renewed_once_by_all_who_share_it(provider, tmp_path):
    kept = sign_in(provider, tmp_path / "l", life_s=10)
    provider.life_s = 300
    people = [SignedIn(kept, HttpTalk(), SystemClock()) for _ in range(4)]
    seen = []
    threads = [threading.Thread(target=lambda p=p: seen.append(p.headers("GET", "https://x.example/"))) for p in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len({one["authorization"] for one in seen}) == 1
    assert not provider.dead
    assert [form["grant_type"] for form in provider.forms] == [DEVICE, "refresh_token"]


def test_a_nonce_is_given_to_the_provider(provider, tmp_path):
    provider.nonce = "n-7"
    kept = sign_in(provider, tmp_path / "l")
    assert kept.read().granted.bound


def test_a_provider_that_refuses_ends_the_sign_in(provider, tmp_path):
    kept = sign_in(provider, tmp_path / "l", life_s=10)
    provider.dead = True
    with pytest.raises(RefusedError) as caught:
        SignedIn(kept, HttpTalk(), SystemClock()).headers("GET", "https://x.example/")
    assert caught.value.code == "not_signed_in"


class Away:
    def fetch(self, url):
        raise UnavailableError("provider_unavailable", "away")

    def post(self, url, form, proof=""):
        raise UnavailableError("provider_unavailable", "away")


def stored(tmp_path, **changes):
    kept, provider = (
        LoginStore(tmp_path / "l"),
        Provider("https://i.example", "https://i.example/d", "https://i.example/t"),
    )
    kept.write(Login(provider, "cli", "openid", Granted(**{"access_token": "a.b.c", "refresh_token": "r", **changes})))
    return kept


def test_a_provider_that_is_away_does_not_stop_a_token_that_lives(tmp_path):
    clock = FakeClock()
    kept = stored(tmp_path, expires_ns=clock.now_ns() + 20_000_000_000)
    somebody = SignedIn(kept, Away(), clock)
    assert somebody.headers("GET", "https://x.example/")["authorization"] == "Bearer a.b.c"
    clock.advance(21)
    with pytest.raises(UnavailableError):
        somebody.headers("GET", "https://x.example/")


def test_what_others_may_read_is_not_used(tmp_path):
    kept = stored(tmp_path, expires_ns=1)
    (tmp_path / "l" / "login.json").chmod(0o644)
    with pytest.raises(RefusedError) as caught:
        SignedIn(kept, Away(), FakeClock())
    assert caught.value.code == "key_permissions"


def test_an_opaque_token_is_for_the_provider_alone():
    assert usable(Granted("opaque", 1, id_token="i.d.t")) == "i.d.t"
    for granted in (Granted("opaque", 1), Granted("opaque", 1, bound=True, id_token="i.d.t")):
        with pytest.raises(RefusedError):
            usable(granted)


def test_a_renewed_answer_may_leave_the_refresh_token_as_it_was(tmp_path):
    class Once(Away):
        def post(self, url, form, proof=""):
            return Answer(200, {"access_token": "d.e.f", "token_type": "Bearer", "expires_in": 60})

    kept = stored(tmp_path, expires_ns=1)
    SignedIn(kept, Once(), FakeClock()).headers("GET", "https://x.example/")
    assert (kept.read().granted.access_token, kept.read().granted.refresh_token) == ("d.e.f", "r")


def test_signing_out_leaves_nothing(tmp_path):
    kept = stored(tmp_path, expires_ns=1)
    kept.key()
    assert kept.erase()
    assert not kept.erase()
    assert {path.name for path in (tmp_path / "l").iterdir()} <= {".lock"}
