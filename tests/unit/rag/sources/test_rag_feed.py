"""The feed's connector against malformed, old, huge and hostile feeds."""

import contextlib
import json
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import UnavailableError
from ostiary.rag.ports import Asker, Known
from ostiary.rag.rights import digest
from ostiary.rag.sources import feed, watched
from ostiary.rag.sources.feed import FeedSource, read_changes, read_whole

ADA, BOB = Asker("default", "user:ada", ("ops",), {"staff": "7"}), Asker("default", "user:bob")


def document(name="plan", text="words", allow=("user:ada",), **more):
    return {"id": name, "text": text, "allow": list(allow), **more}


def whole(path, version, *documents):
    path.write_text(json.dumps({"version": version, "documents": documents}))


def lines(path, *changes):
    path.write_text("".join(json.dumps({"seq": number, **one}) + "\n" for number, one in enumerate(changes, 1)))


def found(one, asker=ADA):
    scan = one.scan({})
    return one.check(asker, {each.id: each.revision for each in scan.changed})


@pytest.mark.parametrize(
    ("allow", "deny", "ada"),
    [
        (["user:ada"], [], True),
        (["group:ops"], [], True),
        (["claim:staff=7"], [], True),
        (["*"], [], True),
        (["*"], ["user:ada"], False),
        (["user:ada"], ["*"], False),
        (["user:ada"], ["group:ops"], False),
        ([], [], False),
        (["user:ADA", "group:ada", "claim:staff=77", "user:ada "], [], False),
    ],
)
def test_deny_beats_allow_and_names_are_names(tmp_path, allow, deny, ada):
    whole(tmp_path / "f.json", 1, document(allow=allow, deny=deny))
    assert bool(found(FeedSource("f", tmp_path / "f.json"))) is ada


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 1}',
        b'{"version": "1", "documents": []}',
        b'{"version": 1, "documents": [{"id": "a"}, {"id": "a"}]}',
        b'{"version": 1, "documents": [{"id": ""}]}',
        b'{"version": 1, "documents": [{"id": "a", "allow": ["ada"]}]}',
        b'{"version": 1, "documents": [{"id": "a", "allow": "*"}]}',
        b'{"version": 1, "documents": [{"id": "a", "aIlow": ["*"]}]}',
        b'{"version": 1, "documents": [{"id": "a", "confidentiality": 5}]}',
        b'{"version": 1, "documents": [{"id": "a", "text": "\xff"}]}',
        b"[" * 100_000,
    ],
)
def test_a_malformed_feed_shows_nothing_and_does_not_stop_anything(tmp_path, raw):
    path = tmp_path / "f.json"
    whole(path, 1, document())
    one = FeedSource("f", path)
    assert found(one)
    path.write_bytes(raw)
    for ask in (lambda: one.scan({}), lambda: one.check(ADA, {"plan": "x"})):
        with pytest.raises(UnavailableError) as no:
            ask()
        assert no.value.code == "source_unavailable"
    whole(path, 2, document())
    assert found(one)


@pytest.mark.parametrize(
    "changes",
    [
        [{"rights": {"id": "none"}}],
        [{"delete": "none"}],
        [{"put": document(), "delete": "plan"}],
        [{}],
        [{"put": document()}, {"seq": 1, "delete": "plan"}],
        [{"put": document()}, {"seq": 0, "put": document(allow=["*"])}],
    ],
)
def test_changes_out_of_order_or_of_nothing_are_refused(tmp_path, changes):
    lines(tmp_path / "f.jsonl", *changes)
    with pytest.raises(UnavailableError):
        FeedSource("f", tmp_path / "f.jsonl").scan({})


def test_changes_count_in_order_and_an_unended_line_is_not_there(tmp_path):
    path = tmp_path / "f.jsonl"
    one = FeedSource("f", path)
    lines(path, {"put": document(allow=["*"])}, {"rights": {"id": "plan", "allow": ["user:bob"]}})
    assert (found(one, ADA), found(one, BOB)) == (frozenset(), {"plan"})
    with path.open("a") as opened:
        opened.write('{"seq": 3, "delete": "plan"}')
    assert found(one, BOB) == {"plan"}
    with path.open("a") as opened:
        opened.write("\n")
    assert found(one, BOB) == frozenset()


def test_an_old_copy_put_back_brings_no_right_back(tmp_path):
    path = tmp_path / "f.json"
    one = FeedSource("f", path)
    whole(path, 1, document(allow=["user:ada"]))
    assert found(one)
    before = path.read_bytes()
    whole(path, 2, document(allow=["user:bob"]))
    assert found(one) == frozenset()
    path.write_bytes(before)
    with pytest.raises(UnavailableError, match="older"):
        found(one)
    whole(path, 2, document(allow=["user:ada"]))  # the same number over other words
    with pytest.raises(UnavailableError, match="older"):
        found(one)
    whole(path, 3, document(allow=["user:bob"]))
    assert found(one, BOB) == {"plan"}
    path.touch()
    assert found(one, BOB) == {"plan"}


def test_the_same_size_within_one_step_of_the_clock_is_seen(tmp_path):
    path = tmp_path / "f.json"
    one = FeedSource("f", path)
    for number in range(1000, 1060, 2):
        whole(path, number, document(allow=["user:ada"]))
        assert found(one, ADA)
        whole(path, number + 1, document(allow=["user:bob"]))
        assert not found(one, ADA)


@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "away"])
def test_what_is_no_file_is_refused_at_once(tmp_path, kind):
    path = tmp_path / "f.json"
    whole(tmp_path / "real.json", 1, document())
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(tmp_path / "real.json")
    start = time.monotonic()
    with pytest.raises(UnavailableError):
        FeedSource("f", path).scan({})
    assert time.monotonic() - start < 2


def test_a_huge_feed_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "f.json"
    whole(path, 1, document(text="x" * 1000))
    monkeypatch.setattr(watched, "MAX_BYTES", 500)
    with pytest.raises(UnavailableError):
        FeedSource("f", path).scan({})
    monkeypatch.setattr(feed, "MAX_DOCUMENTS", 2)
    with pytest.raises(ValueError, match="many"):
        read_changes(b"".join(b'{"seq":%d,"put":{"id":"%d"}}\n' % (n, n) for n in range(1, 5)))


def test_only_what_changed_is_told_and_a_lie_about_a_revision_is_seen(tmp_path):
    path = tmp_path / "f.json"
    one = FeedSource("f", path)
    whole(path, 1, document(revision="1"), document("other"))
    scan = one.scan({})
    known = {each.id: Known(each.revision, digest(scan.rights[each.id])) for each in scan.changed}
    whole(path, 2, document(revision="1", text="other words under the same revision"), document("other", allow=["*"]))
    scan = one.scan(known)
    assert [each.id for each in scan.changed] == ["plan"]
    assert set(scan.rights) == {"plan", "other"}
    assert one.check(ADA, {"plan": known["plan"].revision}) == frozenset()
    whole(path, 3)
    assert set(one.scan(known).gone) == {"plan", "other"}


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_do_more_than_refuse(raw):
    for read in (read_whole, read_changes):
        with contextlib.suppress(ValueError, KeyError):
            read(raw)
