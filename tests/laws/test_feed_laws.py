"""What the server says is what the SDK hears, whatever sessions and subjects are called, however the bytes are cut."""

import json

from hypothesis import given
from hypothesis import strategies as st

from ostiary.server.feed.hub import Ring
from ostiary.server.feed.messages import change_of, event, place, place_of
from ostiary.sessions import ChangeKind, SessionChange
from ostiary_sdk.questions import question
from ostiary_sdk.revocation import RevocationList
from ostiary_sdk.sse import SseParser

NAMES = st.text(min_size=1, max_size=40)
KINDS = st.sampled_from(list(ChangeKind))


def told(change: SessionChange, cut: int) -> list[tuple[str, str, str]]:
    data, parser = event("change", change_of(change), "e-1"), SseParser()
    pieces = [data[:cut], data[cut:]]
    return [(one.name, one.data, one.id) for piece in pieces for one in parser.feed(piece)]


@given(NAMES, NAMES, KINDS, st.integers(0, 200))
def test_one_change_is_one_event(session: str, subject: str, kind: ChangeKind, cut: int) -> None:
    ((name, data, at),) = told(SessionChange("t", session, subject, kind, 1, "reason", "cause"), cut)
    heard = json.loads(data)
    assert (name, at) == ("change", "e-1")
    assert heard["session"] == session.encode("utf-8", "replace").decode()
    assert heard["subject"] == subject.encode("utf-8", "replace").decode()
    assert not {"reason", "cause", "tenant"} & heard.keys()


@given(NAMES, NAMES, st.sampled_from(["terminated", "reduced", "step_up", "level"]), st.booleans())
def test_whatever_falls_takes_the_grants_of_its_session(session: str, who: str, kind: str, asserted: bool) -> None:  # noqa: FBT001
    fallen = RevocationList(5.0, lambda: 1.0)
    parser = SseParser()
    for one in parser.feed(event("snapshot", {"epoch": "e", "seq": 0})):
        fallen.apply(one)
    mark = fallen.mark()
    assert mark is not None
    name = f"user\n{who}\n{session}" if asserted else session
    change = SessionChange("t", name, f"user:{who}" if asserted else "", ChangeKind(kind), 1)
    for one in parser.feed(event("change", change_of(change), "e-1")):
        fallen.apply(one)
    clean = session.encode("utf-8", "replace").decode()
    asked = question("read", "doc:1", subject=("person", "somebody-else"), session_id=clean)
    assert not fallen.unchanged(asked.names(), mark)


@given(st.text(max_size=80))
def test_a_place_that_was_not_given_is_none(text: str) -> None:
    assert place_of(text, "0a1b") is None
    for wrong in (f"0a1b-{text}x", f"{text}0a1b-1", f"-{text}"):
        assert place_of(wrong, "0a1b") is None or not text


@given(st.lists(st.integers(0, 12), max_size=30), st.integers(1, 6))
def test_a_ring_gives_all_that_came_after_or_says_that_it_cannot(asked: list[int], length: int) -> None:
    ring, all_of_them = Ring(length), list[bytes]()
    for number, place_asked in enumerate(asked):
        change = SessionChange("t", f"s{number}", "", ChangeKind.TERMINATED, 1)
        ring.add(change, "e")
        all_of_them.append(event("change", change_of(change), place("e", number + 1)))
        found = ring.after(place_asked, 100)
        kept = place_asked <= len(all_of_them) <= place_asked + length
        assert found == (all_of_them[place_asked:] if kept else None)
