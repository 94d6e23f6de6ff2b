"""Signing in at a provider, and every way in which it must not sign anybody in."""

import hashlib
import hmac
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest

from ostiary.server.console.cookies import NAME as SESSION
from ostiary.server.console.oidc import standing
from ostiary.server.console.oidc.attempt_cookie import NAME as ATTEMPT
from ostiary.server.console.people import enter, take_off
from ostiary.server.console.sessions import sessions_of
from ostiary.server.step_up.inviting import invite
from ostiary.testing.console import FakeBrowser
from ostiary.testing.issuer import FakeKey, compact
from ostiary.testing.sign_in_provider import CLIENT, SECRET, SignInProvider

HIDDEN = "This decision is about you"
People = Callable[..., FakeBrowser]
MAPPING = [
    {"claim": "groups", "value": "soc", "roles": ["analyst"]},
    {"claim": "groups", "value": "admins", "roles": ["owner"]},
]


def configured(provider: SignInProvider, name: str, **more: Any) -> dict[str, Any]:
    common = {"client_id": CLIENT, "client_secret": SECRET, "roles": MAPPING}
    return {"name": name, "title": name.title(), "issuer": provider.url, **common, **more}


@pytest.fixture(scope="module")
def providers() -> Iterator[dict[str, SignInProvider]]:
    with SignInProvider("ada") as corp, SignInProvider("pat") as partner, SignInProvider("ada") as plain:
        yield {"corp": corp, "partner": partner, "plain": plain}


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], providers: dict[str, SignInProvider]) -> Any:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    oidc = [
        configured(providers["corp"], "corp", acr_values=["mfa"], step_up_acr_values=["phr"]),
        configured(providers["partner"], "partner", tenant="acme", client_auth="post", subject_claim="email"),
        configured(
            providers["plain"], "plain", namespaced=False, callback="own", acr_means={"": "urn:ostiary:acr:mfa"}
        ),
    ]
    served = start_server(
        guardrails=None,
        on_port=port,
        server={"public_url": f"http://localhost:{port}"},
        identity={"allow_http_loopback": True},
        console={"oidc": oidc},
    )
    served.house.tenants.create("acme")
    served.house.warm_up(lambda reason, fault: None)
    return served


@pytest.fixture(autouse=True)
def _honest(providers: dict[str, SignInProvider]) -> Iterator[None]:
    """Providers say the truth again after each test."""
    kept = {name: dict(one.claims) for name, one in providers.items()}
    providers["corp"].claims["groups"] = ["soc", "others"]
    yield
    for name, one in providers.items():
        one.claims, one.forge, one.error, one.names_itself = kept[name], None, "", True
        one.calls_itself, one.changed, one.down = "", {}, False


class Browser:
    """A browser that follows redirects by hand and keeps its cookies."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.base = server.house.settings.server.public_url
        self.jar: dict[str, str] = {}

    def get(self, url: str) -> httpx.Response:
        ours = url.startswith(("/", self.base))
        if not ours:
            return httpx.get(url, follow_redirects=False)
        cookies = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        answer: httpx.Response = self.server.client.get(
            url.removeprefix(self.base), headers={"cookie": cookies} if cookies else {}
        )
        for told in answer.headers.get_list("set-cookie"):
            name, _, value = told.partition(";")[0].partition("=")
            self.jar[name] = value
            if not value:
                del self.jar[name]
        return answer

    def begin(self, provider: str = "corp", then: str = "/me", *, again: bool = False) -> str:
        """Go to the provider, and return the address by which it sends the browser back."""
        begun = self.get(f"/sign-in/with/{provider}{'/again' if again else ''}?next={then}")
        assert begun.status_code == 303, begun.text
        return self.get(begun.headers["location"]).headers["location"]

    def sign_in(self, provider: str = "corp", then: str = "/me") -> httpx.Response:
        return self.get(self.begin(provider, then))

    def is_in(self) -> bool:
        return SESSION in self.jar and self.get("/me").status_code == 200


@pytest.fixture
def browser(server: Any) -> Browser:
    return Browser(server)


def refused(answer: httpx.Response, words: str) -> bool:
    assert answer.status_code in {403, 400, 503}, answer.status_code
    assert f"{SESSION}=default" not in "".join(answer.headers.get_list("set-cookie"))
    return words in answer.text


# The way it shall be.


def test_a_person_signs_in_by_a_provider(server: Any, browser: Browser, providers: dict[str, SignInProvider]) -> None:
    page = browser.get("/sign-in?next=/decisions")
    assert "Continue with <bdi>Corp</bdi>" in page.text
    assert 'href="/sign-in/with/corp?next=%2Fdecisions"' in page.text
    done = browser.sign_in(then="/decisions")
    assert (done.status_code, done.headers["location"]) == (303, "/decisions")
    assert ATTEMPT not in browser.jar
    assert "corp:ada" in browser.get("/me").text
    asked = providers["corp"].requests[-1]
    assert (asked["code_challenge_method"], asked["response_type"], asked["fixed"]) == ("S256", "code", "1")
    assert (asked["acr_values"], asked["redirect_uri"]) == ("mfa", f"{browser.base}/sign-in/callback")
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    (record, *_) = [
        told
        for one in server.house.log.iterate("default", "admin")
        if (told := msgspec.json.decode(one.payload or b"{}")).get("subject") == "user:corp:ada"
    ]
    assert (record["provider"], record["granted"]) == (providers["corp"].url, "groups=soc")


def test_a_mapping_gives_roles_and_no_more(browser: Browser, providers: dict[str, SignInProvider]) -> None:
    browser.sign_in()
    assert browser.get("/detections").status_code == 200
    assert browser.get("/people").status_code == 403
    assert browser.get("/tenants").status_code == 403


@pytest.mark.parametrize("groups", [None, [], ["SOC"], "socks", ["soc "], {"soc": True}, 1, [["soc"]]])
def test_who_has_no_role_is_told_by_which_name_to_be_entered(
    browser: Browser, providers: dict[str, SignInProvider], groups: Any
) -> None:
    providers["corp"].claims["groups"] = groups
    answer = browser.sign_in()
    assert refused(answer, "ask an owner to enter you as `user:corp:ada`")
    assert not browser.is_in()


def test_an_entry_counts_instead_of_the_mapping(
    server: Any, browser: Browser, providers: dict[str, SignInProvider]
) -> None:
    corp = providers["corp"]
    corp.claims |= {"sub": "bea", "groups": ["admins"]}
    browser.sign_in()
    assert browser.get("/people").status_code == 200
    enter(server.house, "default", "user:corp:bea", ["auditor"], "test")
    assert "auditor" in browser.get("/me").text
    assert browser.get("/detections/none").status_code in {403, 404}
    take_off(server.house, "default", "user:corp:bea", "test")
    assert browser.get("/me").status_code == 303, "the next click finds no role"
    assert refused(browser.sign_in(), "You have no role")


def test_whom_an_owner_takes_off_no_mapping_lets_in(
    server: Any, browser: Browser, providers: dict[str, SignInProvider]
) -> None:
    providers["corp"].claims["sub"] = "cyd"
    browser.sign_in()
    assert browser.is_in()
    take_off(server.house, "default", "user:corp:cyd", "test")
    assert not browser.is_in()
    assert refused(browser.sign_in(), "You have no role")


def test_a_line_that_was_taken_out_of_the_mapping_gives_nothing(
    server: Any, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.sign_in()
    assert browser.is_in()
    (corp, *_) = server.house.settings.console.oidc
    kept = dict(browser.jar)
    shorter = corp.model_copy(update={"roles": corp.roles[1:]})
    for changed in (shorter, None):
        with monkeypatch.context() as patched:
            patched.setattr(standing, "section_of", lambda *_told, now=changed: now)
            assert not browser.is_in()
        browser.jar = dict(kept)
    assert browser.is_in()


def test_a_provider_counts_while_it_is_configured_as_it_was(server: Any, providers: dict[str, SignInProvider]) -> None:
    url = providers["corp"].url
    assert standing.section_of(server.house, "default", "corp", url) is not None
    for told in (("acme", "corp", url), ("default", "partner", url), ("default", "corp", "https://idp.example")):
        assert standing.section_of(server.house, *told) is None


def test_owners_see_whom_a_provider_let_in_and_keep_out_whom_they_like(
    server: Any, people: People, browser: Browser, providers: dict[str, SignInProvider]
) -> None:
    providers["corp"].claims["sub"] = "<b>dan</b>"
    browser.sign_in()
    owner = people("owner")
    page = owner.get("/people").text
    assert "Signed in by a provider" in page
    assert "user:corp:&lt;b&gt;dan&lt;/b&gt;" in page
    listed = server.admin("GET", "/tenants/default/console/guests").json()
    (dan,) = [one for one in listed if one["subject"] == "user:corp:<b>dan</b>"]
    assert (dan["roles"], dan["provider"]) == (["analyst"], "corp")
    assert server.admin("GET", "/tenants/acme/console/guests").json() == []
    assert owner.deed("/people/user%3Acorp%3A%3Cb%3Edan%3C%2Fb%3E/remove").json() == {"go": "/people"}
    assert not browser.is_in()
    assert refused(browser.sign_in(), "You have no role")
    assert "dan" not in owner.get("/people").text


# Other people's names.


def test_a_provider_makes_nobody_the_person_of_the_same_name(
    server: Any, people: People, browser: Browser, providers: dict[str, SignInProvider]
) -> None:
    people("owner", name="eve")
    providers["corp"].claims |= {"sub": "eve", "groups": ["soc"]}
    browser.sign_in()
    assert "corp:eve" in browser.get("/me").text
    assert browser.get("/people").status_code == 403, "eve by passkey is an owner, eve of the provider is not"


def test_what_is_about_the_person_under_its_providers_name_is_hidden_from_it(
    server: Any, browser: Browser, providers: dict[str, SignInProvider]
) -> None:
    """Applications know it by its `sub`: nobody learns his own score by signing in here at the provider."""
    decision = server.ask().json()["context"]["id"]
    providers["corp"].claims |= {"sub": "alice", "groups": ["admins"]}
    browser.sign_in()
    (session,) = sessions_of(server.house).of("default", "user:corp:alice")
    assert session.names == {"user:corp:alice", "user:alice", "identity:alice"}
    assert HIDDEN in browser.get(f"/decisions/{decision}").text
    providers["corp"].claims["sub"] = "another"
    browser.sign_in()
    assert HIDDEN not in browser.get(f"/decisions/{decision}").text


@pytest.mark.parametrize("sub", ["corp:ada", "partner:pat@acme.example", "a b", "\u0430da", "", "a\u200bda", None, 7])
def test_a_provider_without_a_space_of_its_own_takes_nobody_elses(
    browser: Browser, providers: dict[str, SignInProvider], sub: Any
) -> None:
    providers["plain"].claims |= {"sub": sub, "groups": ["admins"]}
    assert browser.sign_in("plain").status_code == 403
    assert not browser.is_in()


def test_an_operator_may_say_that_names_are_the_same(
    people: People, browser: Browser, providers: dict[str, SignInProvider]
) -> None:
    people("auditor", name="fay")
    providers["plain"].claims |= {"sub": "fay"}
    browser.sign_in("plain")
    page = browser.get("/me").text
    assert "fay" in page
    assert "auditor" in page


@pytest.mark.parametrize("verified", [None, False, "true", 1])
def test_an_address_that_nobody_verified_is_no_name(
    browser: Browser, providers: dict[str, SignInProvider], verified: Any
) -> None:
    said = {"email": "pat@acme.example", "email_verified": verified, "groups": ["admins"]}
    providers["partner"].claims |= said
    assert refused(browser.sign_in("partner"), "has not verified your e-mail address")
    providers["partner"].claims["email_verified"] = True
    browser.sign_in("partner")
    assert "partner:pat@acme.example" in browser.get("/me").text
    assert browser.jar[SESSION].startswith("acme.")


# The answer of a provider.


def test_an_answer_is_taken_once(browser: Browser) -> None:
    back = browser.begin()
    kept = browser.jar[ATTEMPT]
    assert browser.get(back).status_code == 303
    browser.jar = {ATTEMPT: kept}
    assert refused(browser.get(back), "used before")
    assert not browser.is_in()


def test_an_answer_is_for_the_browser_that_began(server: Any, browser: Browser) -> None:
    """Login CSRF: the attacker's answer in the victim's browser, which has begun nothing, or something else."""
    back = browser.begin()
    victim = Browser(server)
    assert refused(victim.get(back), "not begun in this browser")
    victim.begin()
    assert refused(victim.get(back), "not begun in this browser")
    assert not victim.is_in()


@pytest.mark.parametrize("state", ["", "x", "ü", None])
def test_a_state_that_is_none(browser: Browser, state: str | None) -> None:
    back = httpx.URL(browser.begin())
    changed = back.copy_remove_param("state") if state is None else back.copy_set_param("state", state)
    assert refused(browser.get(str(changed)), "not begun in this browser")


def test_a_cookie_that_was_made_elsewhere_is_none(browser: Browser) -> None:
    back = browser.begin()
    good = browser.jar[ATTEMPT]
    for bad in ("", "AAAA", good[:-4] + "AAAA", "A" * 5000, good[:43]):
        browser.jar[ATTEMPT] = bad
        assert refused(browser.get(back), "not begun in this browser")


def test_an_attempt_ends_after_ten_minutes(server: Any, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    back = browser.begin()
    clock = type(server.house.clock)
    now_ns = clock.now_ns
    monkeypatch.setattr(clock, "now_ns", lambda self: now_ns(self) + 601 * 10**9)
    assert refused(browser.get(back), "too long ago")


def test_another_provider_cannot_answer(browser: Browser, providers: dict[str, SignInProvider]) -> None:
    """Mix-up: the browser's attempt is for one provider, the answer says that it is another's."""
    corp, partner = providers["corp"], providers["partner"]
    corp.calls_itself = partner.url
    before = len(corp.forms)
    assert refused(browser.sign_in(), "another provider")
    back = httpx.URL(browser.begin())
    assert refused(browser.get(str(back.copy_remove_param("iss"))), "another provider")
    assert len(corp.forms) == before, "the code was shown to nobody"


def test_a_silent_provider_is_taken_at_an_address_of_its_own_alone(
    browser: Browser, providers: dict[str, SignInProvider]
) -> None:
    plain = providers["plain"]
    plain.claims["groups"] = ["soc"]
    plain.names_itself = False
    back = browser.begin("plain")
    assert urlsplit(back).path == "/sign-in/callback/plain"
    answer = browser.get(back)
    assert answer.status_code in {303, 403}, "its discovery document may be of before"
    for wrong in ("/sign-in/callback", "/sign-in/callback/corp"):
        back = browser.begin("plain")
        assert refused(browser.get(back.replace("/sign-in/callback/plain", wrong)), "another provider")


def test_what_a_provider_says_no_with_is_not_shown(browser: Browser, providers: dict[str, SignInProvider]) -> None:
    providers["corp"].error = "<script>alert(1)</script>"
    answer = browser.sign_in()
    assert refused(answer, "The provider refused, or you stopped there")
    assert "alert(1)" not in answer.text
    assert ATTEMPT not in browser.jar


def test_a_provider_that_is_away(browser: Browser, providers: dict[str, SignInProvider]) -> None:
    providers["corp"].down = True
    answer = browser.sign_in()
    assert answer.status_code == 503
    assert "cannot be reached" in answer.text


@pytest.mark.parametrize("code", ["", "x" * 5000, "\x00", "wrong"])
def test_a_code_that_is_none(browser: Browser, code: str) -> None:
    back = httpx.URL(browser.begin()).copy_set_param("code", code)
    assert refused(browser.get(str(back)), "begin again")


def test_a_code_of_another_sign_in_is_none(server: Any, browser: Browser) -> None:
    """Code injection: a stolen code in the thief's own attempt fails at PKCE."""
    stolen = parse_qs(urlsplit(browser.begin()).query)["code"][0]
    thief = Browser(server)
    back = httpx.URL(thief.begin()).copy_set_param("code", stolen)
    assert refused(thief.get(str(back)), "begin again")


@pytest.mark.parametrize(
    "then", ["//evil.example", "https://evil.example", "/\\evil.example", "/%0d%0aset-cookie:x", "/%09/x"]
)
def test_next_leads_nowhere_else(browser: Browser, then: str) -> None:
    assert browser.sign_in(then=then).headers["location"] == "/"


def test_only_these_ways(server: Any, browser: Browser) -> None:
    assert browser.get("/sign-in/with/nobody").status_code == 403
    assert browser.get("/sign-in/with/corp/again/again").status_code == 403
    assert browser.get("/sign-in/callback").status_code == 403
    assert server.client.post("/sign-in/callback").status_code == 405
    assert server.client.head("/sign-in/with/corp").status_code == 405
    assert server.client.get("/sign-in/backchannel-logout").status_code == 405


# What the id token says.


def _none(provider: SignInProvider, claims: dict[str, Any]) -> str:
    class Nobody:
        alg, kid = "none", "k1"

        def sign(self, data: bytes) -> bytes:
            return b""

    return compact({"alg": "none", "typ": "JWT", "kid": "k1"}, claims, Nobody())


def _symmetric(provider: SignInProvider, claims: dict[str, Any]) -> str:
    class Confused:
        alg, kid = "HS256", "k1"

        def sign(self, data: bytes) -> bytes:
            key = json.dumps(dict(provider.issuer.keys[0].jwk)).encode()
            return hmac.digest(key, data, hashlib.sha256)

    return compact({"alg": "HS256", "typ": "JWT", "kid": "k1"}, claims, Confused())


def _other_key(provider: SignInProvider, claims: dict[str, Any]) -> str:
    return compact(provider.issuer.header(typ="JWT"), claims, FakeKey.generate().signer)


def _own_key(provider: SignInProvider, claims: dict[str, Any]) -> str:
    key = FakeKey.generate()
    return compact({"alg": "ES256", "typ": "JWT", "kid": "k1", "jwk": dict(key.jwk)}, claims, key.signer)


def _access_token(provider: SignInProvider, claims: dict[str, Any]) -> str:
    return provider.signed(claims, typ="at+jwt")


def _logout(provider: SignInProvider, claims: dict[str, Any]) -> str:
    return provider.logout_token()


@pytest.mark.parametrize("forge", [_none, _symmetric, _other_key, _own_key, _access_token, _logout])
def test_a_forged_id_token_signs_nobody_in(
    browser: Browser, providers: dict[str, SignInProvider], forge: Callable[[SignInProvider, dict[str, Any]], str]
) -> None:
    providers["corp"].forge = forge
    assert browser.sign_in().status_code == 403
    assert not browser.is_in()


@pytest.mark.parametrize(
    "said",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": [CLIENT, "another-client"]},
        {"aud": None},
        {"azp": "another-client"},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": 7},
        {"exp": 1_000},
        {"exp": None},
        {"iat": None},
        {"iat": 4_000_000_000, "exp": 4_000_000_300},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
        {"sub": None},
        {"sub": ""},
        {"auth_time": 4_000_000_000},
        {"amr": "hwk"},
        {"acr": 3},
    ],
)
def test_an_id_token_that_does_not_fit_signs_nobody_in(
    browser: Browser, providers: dict[str, SignInProvider], said: dict[str, Any]
) -> None:
    providers["corp"].claims |= said
    assert browser.sign_in().status_code == 403
    assert not browser.is_in()


# Confirming anew.


def aged(providers: dict[str, SignInProvider], seconds: int, **more: Any) -> None:
    corp = providers["corp"]
    corp.claims |= {"auth_time": corp.claims["auth_time"] - seconds, "groups": ["admins"], **more}


def deed(browser: Browser, path: str, **form: str) -> httpx.Response:
    page = browser.get("/me").text
    csrf = page.partition('name="csrf" value="')[2][:64]
    cookies = "; ".join(f"{name}={value}" for name, value in browser.jar.items())
    headers = {"cookie": cookies, "origin": browser.base, "accept": "application/json"}
    done: httpx.Response = browser.server.client.post(path, data={"csrf": csrf, **form}, headers=headers)
    return done


def test_a_weak_or_old_sign_in_confirms_at_the_provider(
    server: Any, browser: Browser, providers: dict[str, SignInProvider]
) -> None:
    corp = providers["corp"]
    aged(providers, 5000, acr="phr", sub="gus")
    browser.sign_in()
    first = browser.jar[SESSION]
    asked = deed(browser, "/people", name="newcomer", **{"role-analyst": "1"})
    assert asked.status_code == 401
    told = asked.json()
    assert (told["code"], told["confirm"], told["sign_in"]) == ("step_up_needed", "", "/sign-in/with/corp/again")
    aged(providers, -5000)
    done = browser.get(browser.begin(then="/people", again=True))
    assert done.headers["location"] == "/people"
    request = corp.requests[-1]
    assert (request["max_age"], request["prompt"], request["acr_values"]) == ("0", "login", "phr")
    assert browser.jar[SESSION] != first
    assert len(sessions_of(server.house).of("default", "user:corp:gus")) == 1, "the old one is over"
    assert deed(browser, "/people", name="newcomer", **{"role-analyst": "1"}).json() == {"go": "/people"}


@pytest.mark.parametrize("more", [{}, {"acr": "urn:ostiary:acr:password"}, {"acr": "0", "amr": ["otp"]}])
def test_a_fresh_but_weak_sign_in_changes_nothing(
    browser: Browser, providers: dict[str, SignInProvider], more: dict[str, Any]
) -> None:
    aged(providers, 0, **more)
    browser.sign_in()
    assert deed(browser, "/people", name="n", **{"role-analyst": "1"}).json()["code"] == "step_up_needed"


def test_a_sign_in_of_unknown_strength_opens_nothing(browser: Browser, providers: dict[str, SignInProvider]) -> None:
    for acr in (None, "1"):
        providers["corp"].claims["acr"] = acr
        browser.sign_in()
        page = browser.get("/me")
        assert page.status_code == 401
        assert 'href="/sign-in/with/corp/again?next=/me"' in page.text
    providers["plain"].claims |= {"acr": None, "groups": ["soc"]}
    browser.sign_in("plain")
    assert browser.get("/me").status_code == 200, "the operator says what it means when that provider tells nothing"


def test_a_sign_in_of_unknown_age_is_not_fresh(browser: Browser, providers: dict[str, SignInProvider]) -> None:
    aged(providers, 0, acr="phr")
    providers["corp"].claims["auth_time"] = None
    browser.sign_in()
    assert deed(browser, "/people", name="n", **{"role-analyst": "1"}).json()["code"] == "step_up_needed"


@pytest.mark.parametrize("old", [True, False])
def test_a_provider_that_did_not_ask_again_confirms_nothing(
    browser: Browser, providers: dict[str, SignInProvider], *, old: bool
) -> None:
    aged(providers, 5000, acr="phr")
    browser.sign_in()
    first = browser.jar[SESSION]
    if not old:
        providers["corp"].claims["auth_time"] = None
    assert refused(browser.get(browser.begin(again=True)), "did not ask you to sign in anew")
    assert browser.jar[SESSION] == first


def test_somebody_else_confirms_nothing(browser: Browser, providers: dict[str, SignInProvider]) -> None:
    browser.sign_in()
    first = browser.jar[SESSION]
    providers["corp"].claims |= {"sub": "mallory", "groups": ["admins"]}
    assert refused(browser.get(browser.begin(again=True)), "somebody else")
    assert browser.jar[SESSION] == first


def test_a_confirmation_is_for_a_session_of_this_provider(server: Any, people: People, browser: Browser) -> None:
    assert refused(browser.get("/sign-in/with/corp/again"), "begin again")
    browser.jar[SESSION] = people("owner").cookie.partition("=")[2]
    assert refused(browser.get("/sign-in/with/corp/again"), "begin again")
    fresh = Browser(server)
    fresh.sign_in()
    back = fresh.begin(again=True)
    del fresh.jar[SESSION]
    assert refused(fresh.get(back), "begin again")


def test_a_passkey_of_ours_confirms_for_who_has_one(
    server: Any, browser: Browser, providers: dict[str, SignInProvider]
) -> None:
    aged(providers, 5000, sub="hal")
    browser.sign_in()
    person = FakeBrowser(server.url, browser.base, "corp:hal")
    person.enrol(invite(server.house, "default", "user:corp:hal", "test").url)
    told = deed(browser, "/people", name="n2", **{"role-analyst": "1"}).json()
    assert told["confirm"] == f"/step-up/default/{told['decision_id']}"
    person.confirm(told["confirm"])
    assert deed(browser, "/people", name="n2", **{"role-analyst": "1"}).json() == {"go": "/people"}
    person.client.close()


# Signing out, here and there.


def test_signing_out_here_leads_to_the_providers_sign_out(
    browser: Browser, providers: dict[str, SignInProvider]
) -> None:
    browser.sign_in()
    went = httpx.URL(deed(browser, "/sign-out").json()["go"])
    assert str(went).startswith(f"{providers['corp'].url}/leave?")
    assert went.params["post_logout_redirect_uri"] == f"{browser.base}/sign-in"
    assert went.params["client_id"] == CLIENT
    assert not browser.is_in()


def logout(server: Any, token: str, **headers: str) -> httpx.Response:
    told = {"logout_token": token}
    done: httpx.Response = server.client.post("/sign-in/backchannel-logout", data=told, headers=headers)
    return done


@pytest.mark.parametrize("named", [{}, {"sub": None}, {"sid": None}, {"aud": [CLIENT]}])
def test_a_provider_ends_sessions(
    server: Any, browser: Browser, providers: dict[str, SignInProvider], named: dict[str, Any]
) -> None:
    browser.sign_in()
    answer = logout(server, providers["corp"].logout_token(**named))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert not browser.is_in()


def test_a_session_whose_name_there_is_not_known_ends_with_its_person(
    server: Any, browser: Browser, providers: dict[str, SignInProvider]
) -> None:
    corp = providers["corp"]
    corp.claims["sid"] = None
    browser.sign_in()
    assert logout(server, corp.logout_token(sub=None, sid="another")).status_code == 200
    assert browser.is_in()
    assert logout(server, corp.logout_token(sid="another")).status_code == 200
    assert not browser.is_in()


def test_a_provider_ends_no_other_session(
    server: Any, people: People, browser: Browser, providers: dict[str, SignInProvider]
) -> None:
    browser.sign_in()
    plain = Browser(server)
    providers["plain"].claims["groups"] = ["soc"]
    plain.sign_in("plain")
    assert plain.is_in()
    assert logout(server, providers["plain"].logout_token(sub="ada", sid=None)).status_code == 200
    assert browser.is_in(), "the same `sub` at another provider is somebody else"
    assert not plain.is_in()
    assert logout(server, providers["corp"].logout_token(sid="another")).status_code == 200
    assert logout(server, providers["corp"].logout_token(sub="another")).status_code == 200
    assert browser.is_in()


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": "n"},
        {"events": None},
        {"events": {}},
        {"events": {"urn:x": {}}},
        {"events": {"http://schemas.openid.net/event/backchannel-logout": 1}},
        {"events": ["http://schemas.openid.net/event/backchannel-logout"]},
        {"sub": None, "sid": None},
        {"sub": 1},
        {"jti": None},
        {"iat": None},
        {"exp": None},
        {"exp": 1_000},
        {"iat": 1_000},
        {"aud": "another-client"},
        {"iss": "https://evil.example"},
    ],
)
def test_a_forged_sign_out_ends_nothing(
    server: Any, browser: Browser, providers: dict[str, SignInProvider], changed: dict[str, Any]
) -> None:
    browser.sign_in()
    answer = logout(server, providers["corp"].logout_token(**changed))
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})
    assert browser.is_in()


def test_a_sign_out_of_another_key_or_kind_ends_nothing(
    server: Any, browser: Browser, providers: dict[str, SignInProvider]
) -> None:
    corp = providers["corp"]
    browser.sign_in()
    said = {"iss": corp.url, "aud": CLIENT, "iat": corp.claims["auth_time"], "jti": "1", "sub": "ada"}
    said |= {
        "exp": corp.claims["auth_time"] + 300,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    for token in (
        _none(corp, said),
        _symmetric(corp, said),
        _other_key(corp, said),
        corp.id_token("n", "a"),
        corp.signed(said, typ="secevent+jwt"),
        "x.y.z",
        "",
        "a" * 20_000,
    ):
        assert logout(server, token).status_code == 400
    assert logout(server, corp.logout_token(), **{"content-type": "text/plain"}).status_code == 400
    assert browser.is_in()


def test_a_sign_out_counts_once(server: Any, browser: Browser, providers: dict[str, SignInProvider]) -> None:
    browser.sign_in()
    token = providers["corp"].logout_token(sid=None)
    assert logout(server, token).status_code == 200
    browser.sign_in()
    assert logout(server, token).status_code == 400
    assert browser.is_in()
