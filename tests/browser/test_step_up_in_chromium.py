"""Step-up in a real browser: denied, asked, proved, allowed for that alone; and every way in which it must not be."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from ostiary.server.step_up import inviting

INVITE = "/tenants/default/authenticators/invitations"


@pytest.fixture(scope="module")
def server(serve: Callable[..., Any]) -> Any:
    return serve(step_up={"return_origins": ("http://localhost:1",)})


@pytest.fixture
def ann(server: Any, visitor: Any, request: pytest.FixtureRequest) -> "Person":
    """Somebody new with one passkey in the browser."""
    person = Person(server, request.node.name)
    visitor.page.goto(person.invitation())
    visitor.press()
    visitor.done()
    return person


class Person:
    def __init__(self, server: Any, name: str) -> None:
        self.server, self.name = server, name

    def ask(self, action: str = "drop", table: str = "orders", session: str = "s1") -> dict[str, Any]:
        body = {
            "subject": {"type": "user", "id": self.name},
            "action": {"name": action},
            "resource": {"type": "table", "id": table},
            "context": {"session_id": session},
        }
        found: dict[str, Any] = self.server.post("evaluation", msgspec.json.encode(body)).json()
        return found

    def link(self, **asked: str) -> str:
        told = self.ask(**asked)
        assert told["context"]["effect"] == "STEP_UP", told
        uri: str = told["context"]["obligations"][0]["properties"]["uri"]
        return uri

    def invitation(self) -> str:
        answer = self.server.admin("POST", INVITE, json={"subject": f"user:{self.name}"})
        assert answer.status_code == 201, answer.text
        url: str = answer.json()["url"]
        return url

    def passkeys(self) -> list[Any]:
        found: list[Any] = self.server.house.store.authenticators.of_subject("default", f"user:{self.name}")
        return found


def test_a_passkey_is_added_by_invitation(server: Any, visitor: Any) -> None:
    person = Person(server, "newcomer")
    visitor.page.goto(person.invitation())
    visitor.page.get_by_label("A name for it").fill("my laptop")
    visitor.press()
    assert "ready" in visitor.done()
    (one,) = person.passkeys()
    assert (one.name, one.attestation, one.attested) == ("my laptop", "packed", False)
    assert visitor.complaints == []


def test_deny_challenge_passkey_allowed_for_that_action_only(ann: Person, visitor: Any) -> None:
    asked = ann.ask()
    assert asked["decision"] is False
    visitor.page.goto(asked["context"]["obligations"][0]["properties"]["uri"] + "?return_to=http://localhost:1/orders")
    text = visitor.page.locator("main").inner_text()
    for words in (ann.name, "drop", "orders", "cannot be undone", "Ask the owner of the table to drop it."):
        assert words in text
    visitor.press()
    assert "This holds for 5 minutes, for this action alone." in visitor.done()
    assert visitor.page.get_by_role("link", name="Go back to localhost").is_visible()
    assert visitor.complaints == [], "no violation of the page's policy, no error, no warning"

    allowed = ann.ask()
    assert allowed["decision"] is True
    assert ann.ask(action="read")["decision"] is False
    assert ann.ask(table="people")["decision"] is False
    assert ann.ask(session="s2")["decision"] is False
    log = ann.server.house.log
    chain = [
        one
        for one in log.iterate("default", "step_up")
        if msgspec.json.decode(one.payload).get("cause") == asked["context"]["id"]
    ]
    (proof,) = chain
    first, last = (log.get("default", one["context"]["id"]).index for one in (asked, allowed))
    assert first < proof.index < last, "one chain: asked, proved, allowed"


def test_a_challenge_of_another_action_is_refused(ann: Person, visitor: Any) -> None:
    drop, read = ann.link(), ann.link(action="read")
    other = ann.server.client.post(f"{read}/options", json={}).json()
    visitor.page.route("**/options", lambda route: route.fulfill(json=other))
    visitor.page.goto(drop)
    visitor.press()
    assert visitor.refused() == "This answer was made for another request."
    assert ann.ask()["decision"] is False
    assert ann.ask(action="read")["decision"] is False


def test_a_replayed_answer_is_refused(ann: Person, visitor: Any) -> None:
    sent: list[str] = []
    visitor.page.on("request", lambda r: sent.append(r.post_data) if r.url.endswith("/answer") else None)
    link = ann.link()
    visitor.page.goto(link)
    visitor.press()
    visitor.done()
    again = ann.server.client.post(f"{link}/answer", json=json.loads(sent[0]))
    assert (again.status_code, again.json()["code"]) == (403, "challenge_used")
    body = json.loads(sent[0])
    later = ann.link(table="people")
    elsewhere = ann.server.client.post(f"{later}/answer", json=body)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "challenge_other_request")
    assert ann.ask(table="people")["decision"] is False


def test_who_is_not_recognised_is_not_confirmed_and_may_try_again(ann: Person, visitor: Any) -> None:
    visitor.verifies(user=False)
    visitor.page.goto(ann.link())
    visitor.press()
    assert "did not recognise you" in visitor.refused()
    assert ann.ask()["decision"] is False
    visitor.verifies(user=True)
    assert visitor.page.locator("#act").inner_text() == "Try again"
    visitor.press()
    visitor.done()
    assert ann.ask()["decision"] is True


class Silent(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>not Ostiary</title>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def other_origin() -> Iterator[str]:
    """Another site on the same host: the passkey's domain fits, the origin does not."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://localhost:{running.server_address[1]}"
        running.shutdown()


def test_an_answer_from_another_origin_is_refused(ann: Person, visitor: Any, other_origin: str) -> None:
    link = ann.link()
    asked = ann.server.client.post(f"{link}/options", json={}).json()
    visitor.page.goto(other_origin)
    credential = visitor.page.evaluate(
        """async options => (await navigator.credentials.get(
          {publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)})).toJSON()""",
        asked["get"],
    )
    answer = ann.server.client.post(f"{link}/answer", json={"seal": asked["seal"], "credential": credential})
    assert (answer.status_code, answer.json()["code"]) == (403, "webauthn_origin_wrong")
    tried = visitor.page.evaluate(
        """link => fetch(link + "/options", {method: "POST", body: "{}", headers: {"content-type": "application/json"}})
          .then(() => "sent", () => "blocked")""",
        link,
    )
    assert tried == "blocked"


def test_a_removed_passkey_no_longer_confirms(ann: Person, visitor: Any) -> None:
    visitor.page.goto(ann.link())
    (one,) = ann.passkeys()
    inviting.remove(ann.server.house, "default", f"user:{ann.name}", one.credential_id, "adm_test")
    visitor.press()
    assert "no passkey" in visitor.refused()
    assert ann.ask()["decision"] is False
    visitor.page.goto(ann.link())
    assert "There is no passkey of yours here yet." in visitor.page.locator("main").inner_text()
    assert visitor.page.locator("#act").count() == 0


def test_another_passkey_is_added_with_the_first(ann: Person, visitor: Any) -> None:
    visitor.page.goto(ann.invitation())
    assert "You have 1 passkey already" in visitor.page.locator("main").inner_text()
    first = visitor.authenticator
    second = visitor.add_authenticator("usb")
    visitor.use(first)
    # The first confirms; then only the second answers, as when a person plugs another key in.
    visitor.page.expose_function("pluggedIn", lambda: visitor.use(second))
    visitor.page.evaluate(
        """() => {
          const create = navigator.credentials.create.bind(navigator.credentials);
          navigator.credentials.create = async options => { await window.pluggedIn(); return create(options); };
        }"""
    )
    visitor.press()
    visitor.done()
    assert len(ann.passkeys()) == 2


def test_time_is_over(serve: Callable[..., Any], visitor: Any) -> None:
    quick = serve(step_up={"answer_s": 4})
    person = Person(quick, "late")
    visitor.page.goto(person.invitation())
    visitor.press()
    visitor.done()
    link = person.link()
    visitor.page.goto(link)
    assert "The time to answer is over." in visitor.refused()
    assert visitor.page.locator("#act").is_disabled()
    answer = quick.client.post(f"{link}/options", json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "step_up_unknown")
    visitor.page.goto(link)
    assert "There is nothing to confirm here" in visitor.page.locator("main").inner_text()


def test_the_pages_read_well_without_a_mouse(ann: Person, visitor: Any) -> None:
    page = visitor.page
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(ann.link())
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"), "nothing runs off the side"
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.id") == "act"
    page.keyboard.press("Enter")
    visitor.done()
    assert page.evaluate("() => document.activeElement.tagName") == "H2", "a screen reader hears that it is done"
