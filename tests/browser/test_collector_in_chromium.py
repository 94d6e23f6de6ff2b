"""The collector in a real browser: what leaves the page is rhythm and steps, and nothing of what was typed or where."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.browser.collector_page import SECRET_TEXT, Application, application
from tests.browser.conftest import Visitor, free_port

from ostiary.server import wiring
from ostiary.server.own_rooms import own_rooms
from ostiary.testing.behaviour_room import MemoryBehaviour
from ostiary.testing.issuer import FakeIssuer

TEXT = "meet me at the old mill at 7 and bring the blue folder with the numbers"
WINDOW = {"stream", "nonce", "sequence", "modality", "began", "lasted", "untrusted", "events"}
Room = MemoryBehaviour[Any, Any]
CLASSES = {1, 3, 4, 5, 6, 7, 8}


class Watched:
    """One person's page in the application, and every word that it said to Ostiary."""

    def __init__(self, app: Application, room: Room, visitor: Visitor, name: str) -> None:
        self.app, self.room, self.page, self.visitor, self.name = app, room, visitor.page, visitor, name
        self.sent: list[tuple[str, str, str, dict[str, str]]] = []
        self.page.on("request", self._heard)
        self.page.goto(f"{app.origin}/orders/4711/salaries?{name}")
        self.page.wait_for_function("window.ready")

    def start(self, **more: Any) -> bool:
        told: bool = self.page.evaluate("(more) => collector.start({ ...options, ...more })", more)
        return told

    def hide(self) -> None:
        """Let the page believe that it is hidden, as it does when its tab is left."""
        self.page.evaluate(
            "() => { Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });"
            " document.dispatchEvent(new Event('visibilitychange')); }"
        )

    def arrived(self, count: int = 1) -> list[Any]:
        for _ in range(100):
            if len(found := self.seen()) >= count:
                return found
            self.page.wait_for_timeout(100)
        pytest.fail(f"{len(self.seen())} of {count} windows came of {self.windows()}")

    def seen(self) -> list[Any]:
        return [one for one in self.room.sink.seen if one.subject == f"user:{self.name}"]

    def windows(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, url, body, _ in self.sent if url.endswith("/windows") and body]

    def _heard(self, request: Any) -> None:
        if self.app.endpoint in request.url and request.method != "OPTIONS":
            self.sent.append((request.method, request.url, request.post_data or "", request.headers))


@pytest.fixture(scope="module")
def room() -> Room:
    return Room()


@pytest.fixture(scope="module")
def app(serve: Callable[..., Any], room: Room, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    issuer = FakeIssuer()
    keys = tmp_path_factory.mktemp("keys") / "jwks.json"
    keys.write_text(issuer.jwks().inline)
    one = {"issuer": issuer.issuer, "audience": issuer.audience, "jwks_path": str(keys)}
    with application(free_port(), issuer) as made:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(wiring, "own_rooms", lambda *given: {**own_rooms(*given), "behaviour": room})
            server = serve(identity={"issuers": [one]}, biometrics={"collector": {"origins": [made.origin]}})
        made.endpoint = server.house.settings.server.public_url
        yield made


@pytest.fixture
def watched(app: Application, room: Room, visitor: Visitor, request: pytest.FixtureRequest) -> Watched:
    name = "".join(one for one in request.node.name if one.isalnum())
    return Watched(app, room, visitor, name)


def test_what_is_typed_arrives_as_rhythm_alone(watched: Watched) -> None:
    assert watched.start()
    watched.page.locator("#text").press_sequentially(TEXT, delay=35)
    watched.page.keyboard.press("Enter")
    watched.hide()
    first, second = watched.arrived(2)
    assert (first.sequence, second.sequence, first.missed, second.missed) == (1, 2, 0, 0)
    assert len(first.window.content) == 50
    assert len(first.window.content) + len(second.window.content) == len(TEXT) + 1
    assert first.untrusted == 0
    holds = first.window.content[:, 1] - first.window.content[:, 0]
    assert (holds >= 0).all()
    for window in watched.windows():
        assert set(window) == WINDOW
        assert all(len(event) == 3 and event[2] in CLASSES for event in window["events"])
    kinds = [event[2] for window in watched.windows() for event in window["events"]]
    wanted = [3 if letter == " " else 6 if letter.isdigit() else 1 for letter in TEXT]
    assert kinds == [*wanted, 4], "one kind for all letters: neither which key nor which hand"
    assert watched.visitor.complaints == [], "no violation of the page's policy, no error, no warning"


def test_nothing_that_could_tell_who_what_or_where_is_sent(watched: Watched) -> None:
    assert watched.start()
    watched.page.locator("#text").press_sequentially("salary of ann", delay=20)
    box = watched.page.locator("#field").bounding_box()
    assert box is not None
    for step in range(40):
        watched.page.mouse.move(box["x"] + 17 * step, box["y"] + 300 + (step % 7))
        watched.page.wait_for_timeout(20)
    watched.page.evaluate("() => collector.record('GET', '/orders/{id}', 'order')")
    assert watched.page.evaluate("() => collector.record('GET', '/orders/4711')") is False
    assert watched.page.evaluate("() => collector.record('GET', location.href)") is False
    watched.hide()
    watched.arrived(3)
    told = [one for one in watched.sent if not one[1].endswith("/collector.js")]
    said = " ".join(f"{url} {body} {headers}" for _, url, body, headers in told)
    for secret in ("salar", "Quarterly", "4711", "KeyA", "Space", "title", '"x"', '"y"', "client"):
        assert secret not in said, secret
    assert all(not headers.get("referer") for *_, headers in told)
    assert watched.visitor.complaints == []


def test_the_pointer_tells_steps_and_no_place(watched: Watched) -> None:
    watched.start()
    places = [(600, 400), (612, 405), (618, 401), (640, 420), (700, 460), (690, 470), (660, 470), (600, 400)] * 3
    for x, y in places:
        watched.page.mouse.move(x, y)
        watched.page.wait_for_timeout(30)
    watched.page.mouse.down()
    watched.page.mouse.up()
    watched.page.mouse.wheel(0, 120)
    watched.page.wait_for_timeout(50)
    watched.hide()
    [seen] = watched.arrived()
    steps = seen.window.content
    assert steps[0].tolist()[:3] == [0, 0, 0]
    assert steps[:, 1].sum() == 0, "it ended where it began, and nobody knows where that is"
    assert {1.0, 16.0} <= set(steps[:, 3])
    assert abs(steps[:, 1:3]).max() < 100


def test_a_pad_of_keys_on_the_screen_is_not_listened_to(watched: Watched) -> None:
    watched.start()
    pad, field = watched.page.locator("#pad"), watched.page.locator("#field")
    pad.scroll_into_view_if_needed()
    inside, outside = pad.bounding_box(), field.bounding_box()
    assert inside is not None
    assert outside is not None
    for step in range(20):
        watched.page.mouse.move(outside["x"] + 200 + step, inside["y"] - 60 + step)
        watched.page.wait_for_timeout(20)
    for step in range(20):
        watched.page.mouse.move(inside["x"] + 90 + 7 * step, inside["y"] + 50 + 3 * step)
        watched.page.wait_for_timeout(20)
    watched.page.mouse.move(outside["x"] + 500, inside["y"] - 90)
    watched.page.wait_for_timeout(50)
    watched.hide()
    [seen] = watched.arrived()
    assert abs(seen.window.content[:, 1:3]).max() <= 1, "neither its steps nor the way in and out"
    assert len(seen.window.content) <= 21


@pytest.mark.parametrize("field", ["#pass", "#code", "#card", "#ignored"])
def test_fields_for_secrets_are_not_listened_to(watched: Watched, field: str) -> None:
    watched.start()
    watched.page.locator(field).press_sequentially(SECRET_TEXT, delay=5)
    watched.page.locator("#text").press_sequentially("open words", delay=5)
    watched.hide()
    [seen] = watched.arrived()
    assert len(seen.window.content) == len("open words")


def test_a_password_stays_one_when_it_is_shown(watched: Watched) -> None:
    watched.start()
    watched.page.locator("#shown").press_sequentially("hunter2", delay=5)
    watched.page.evaluate("() => { document.getElementById('shown').type = 'text'; }")
    watched.page.locator("#shown").press_sequentially(SECRET_TEXT, delay=5)
    watched.hide()
    watched.page.wait_for_timeout(500)
    assert watched.windows() == []


def test_without_agreement_nothing_is_sent(watched: Watched) -> None:
    assert watched.start(consent=False) is False
    watched.page.locator("#text").press_sequentially(TEXT, delay=2)
    watched.hide()
    watched.page.wait_for_timeout(300)
    assert [one for one in watched.sent if "collector.js" not in one[1]] == []


def test_switched_off_it_is_silent_and_all_is_erased(watched: Watched) -> None:
    watched.start()
    watched.page.locator("#text").press_sequentially(TEXT, delay=5)
    watched.arrived()
    assert watched.page.evaluate("() => collector.consent(false)") is True
    assert watched.seen() == []
    count = len(watched.sent)
    watched.page.locator("#text").press_sequentially(TEXT, delay=5)
    watched.hide()
    watched.page.wait_for_timeout(300)
    assert len(watched.sent) == count
    assert watched.sent[-1][0] == "DELETE"
    assert watched.room.consents.find("default", f"user:{watched.name}") is None


def test_what_no_hand_did_is_counted(watched: Watched) -> None:
    watched.start()
    watched.page.evaluate(
        """() => { for (const key of 'abcdefgh') for (const type of ['keydown', 'keyup'])
        document.getElementById('text').dispatchEvent(
          new KeyboardEvent(type, { code: 'Key' + key.toUpperCase(), bubbles: true })); }"""
    )
    watched.hide()
    [seen] = watched.arrived()
    assert seen.untrusted == 8


def test_five_quiet_seconds_send_what_there_is(watched: Watched) -> None:
    watched.start()
    watched.page.locator("#text").press_sequentially("a few words", delay=5)
    watched.page.wait_for_timeout(3000)
    assert watched.windows() == []
    [seen] = watched.arrived()
    assert len(seen.window.content) == len("a few words")


def test_every_window_is_signed_with_a_key_that_cannot_leave(watched: Watched) -> None:
    watched.start()
    watched.page.locator("#text").press_sequentially(TEXT, delay=5)
    [seen] = watched.arrived()
    headers = next(headers for _, url, _, headers in watched.sent if url.endswith("/windows"))
    assert headers["authorization"].startswith("DPoP ")
    assert headers["dpop"].count(".") == 2
    assert seen.key
    left = "() => crypto.subtle.exportKey('jwk', options.key.privateKey).then(() => 'left', () => 'stayed')"
    assert watched.page.evaluate(left) == "stayed"


def test_the_page_never_hears_of_trouble(watched: Watched) -> None:
    assert watched.start(endpoint="http://localhost:1/biometrics/v1/default") is False
    assert watched.page.evaluate("() => collector.start()") is False
    assert watched.page.evaluate("() => collector.start({ ...options, key: 'none' })") is False
    watched.page.locator("#text").press_sequentially("goes on", delay=2)
    assert watched.page.locator("#text").input_value() == "goes on"
    assert not any("Uncaught" in one for one in watched.visitor.complaints)


def test_another_origin_is_not_let_in(app: Application, watched: Watched) -> None:
    stray = {"origin": "http://localhost:1", "access-control-request-method": "POST"}
    answer = watched.page.request.fetch(
        f"{app.endpoint}/biometrics/v1/default/windows", method="OPTIONS", headers=stray
    )
    assert answer.status == 403
    assert "access-control-allow-origin" not in answer.headers
