"""Laws of the tokens that application behaviour is told in: never to what, only what kind of thing to what kind."""

import re

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ostiary.biometrics.sequence.interactions import LEAST, SPAN, template_of, token_of, windows_of
from ostiary.biometrics.window import MOST_TOKEN
from ostiary.testing.application_people import ApplicationPeople
from ostiary.vocabulary.events import AccessEvent, ActionClass

NAMES = st.text(max_size=30) | st.sampled_from(["anna", "Q3 layoffs", "https://x.example/a?b=c", "8841", "a1b2c3d4e5"])
IDS = st.text(min_size=1, max_size=30) | st.from_regex(
    r"[0-9a-f]{8}-[0-9a-f]{4}|[A-Z]{2}-[0-9]{4}|[a-z]{3,9}", fullmatch=True
)
ROUTES = st.sampled_from(
    ["GET /orders/{}", "DELETE /v1/users/{}/keys", "POST /projects/{}/issues?title={}", "open {}", "{}"]
)


def event(action: str, kind: str, identity: str) -> AccessEvent:
    return AccessEvent(
        "e",
        "t",
        0,
        "anna",
        action,
        kind,
        identity,
        action_class=ActionClass.READ,
        user_agent="Mozilla",
        detail="secret",
    )


@given(NAMES, NAMES, IDS, IDS)
def test_a_token_is_the_same_whatever_it_was_done_to(action: str, kind: str, one: str, other: str) -> None:
    told = f"{action} {kind}".lower()
    assume(
        not any(part in told for name in (one, other) for part in (name.lower(), *re.split(r"[/\s]+", name.lower())))
    )
    assert token_of(event(action, kind, one)) == token_of(event(action, kind, other))


@given(ROUTES, IDS)
def test_an_id_in_a_route_is_never_in_the_token(route: str, identity: str) -> None:
    words = set(re.findall(r"[a-z]+", route.lower())) | {"read", "order"}
    assume(identity.lower() not in words)
    token = token_of(event(route.replace("{}", identity), "order", identity))
    parts = re.split(r"[ /]", token.removeprefix("read "))
    assert identity.lower() not in parts
    assert not re.search(r"[0-9]", token)


@given(NAMES, NAMES, IDS)
def test_nothing_but_words_and_holes_is_in_a_token(action: str, kind: str, identity: str) -> None:
    token = token_of(event(action, kind, identity))
    assert re.fullmatch(r"read ([a-z]|[-_.:/{}…])* ([a-z]|[-_.:/{}…])*", token)
    assert len(token) <= 2 * MOST_TOKEN


def test_names_of_people_in_plain_paths_go_and_templates_keep_their_words() -> None:
    assert template_of("GET /users/anna/orders") == "get-/users/{}/orders"
    assert template_of("GET /api/v2/users/anna") == "get-/users/{}"
    assert template_of("GET /users/{name}/orders/export") == "get-/users/{}/orders/export"
    assert template_of("https://intranet.example/payroll/2026?who=anna") == "/payroll/{}"
    assert template_of("clone") == "clone"
    assert template_of("s3:GetObject") == "s3:getobject".replace("s3:getobject", "{}")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 260), st.randoms(use_true_random=False))
def test_windows_keep_to_a_person_and_to_the_order_of_time(count: int, luck) -> None:
    people = ApplicationPeople(2)
    events = people.events("person-0", count) + people.events("person-1", count, draw=1)
    luck.shuffle(events)
    found = list(windows_of(events))
    full, rest = divmod(count, SPAN)
    assert len(found) == 2 * (full + (rest >= LEAST))
    for name, draw in (("person-0", 0), ("person-1", 1)):
        told = [token for subject, window in found if subject == name for token in window.content]
        assert told == [token_of(one) for one in people.events(name, count, draw=draw)][: len(told)]
