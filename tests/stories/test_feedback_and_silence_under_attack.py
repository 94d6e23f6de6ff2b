"""Attack: verdicts that flood, poison or lie; suppressions that reach further than they say, or last longer."""

import csv
import io
from collections.abc import Callable, Iterator

import msgspec
import pytest
from tests.conftest import InProcess
from tests.stories.impact_scene import DAY_NS, NOW_NS, Scene

from ostiary.decision.replay import replay
from ostiary.errors import FaultyInputError, RefusedError, VerificationError
from ostiary.risk.verdicts import parse_verdicts
from ostiary.server.feedback.book import Feedback, FeedbackBook
from ostiary.server.feedback.labels import labels_of
from ostiary.server.feedback.silencing import add, preview, remove
from ostiary.server.feedback.suppressions import Suppressions, Wish, deed_of
from ostiary.vocabulary.approvals import Approved, Deed
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.reasons import Reason


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    scene = Scene(tmp_path_factory.mktemp("feedback"))
    yield scene
    scene.house.close()


@pytest.fixture
def book(scene: Scene) -> FeedbackBook:
    return FeedbackBook(scene.house)


def _wish(name: str = "odd-step-up", subject: str = "user:alice", *, kind: str = "rule", **more: str) -> Wish:
    return Wish(kind, name, NOW_NS + 2 * DAY_NS, "too loud", subject, **more)


@pytest.fixture
def silence(scene: Scene) -> Iterator[Callable[[Wish], str]]:
    made: list[str] = []

    def put(wish: Wish) -> str:
        made.append(add(scene.house, scene.house.suppressions, "default", wish, "ann").id)
        return made[-1]

    yield put
    for name in made:
        remove(scene.house, scene.house.suppressions, "default", name, "ann")


# --- verdicts


def test_a_verdict_changes_only_by_a_new_one_and_both_stay(scene: Scene, book: FeedbackBook) -> None:
    record = scene.ask("odd")
    target = f"decision:{record.receipt.decision_id}"
    first = book.say("default", target, "dismiss", "known trip", by="ann", source="api")
    second = book.say("default", target, "confirm", "he denies it", by="bea", source="api")
    assert (second.replaces, first.rules, first.subject) == (first.id, ("odd-step-up",), "user:alice")
    assert book.current("default")[target].verdict == "confirm"
    assert [said.id for said in book.all("default") if said.target == target] == [first.id, second.id]
    data, told = labels_of(book.by_event("default"))
    verdicts = parse_verdicts(io.BytesIO(data))
    assert verdicts[record.receipt.decision_id].label == 1
    assert told.by == {"bea": 1}
    assert told.labels == 1


def test_a_session_becomes_labels_of_its_accesses(scene: Scene, book: FeedbackBook) -> None:
    ids = [scene.ask("odd", "bob", session_id="s9").receipt.decision_id for _ in range(2)]
    said = book.say("default", "session:s9", "confirm", "stolen", by="ann", source="api")
    assert set(said.events) == set(ids)
    scene.ask("odd", "alice", session_id="s9")
    with pytest.raises(FaultyInputError):  # whose session is meant cannot be told
        book.say("default", "session:s9", "confirm", "stolen", by="ann", source="api")
    assert book.say("default", "session:user\nbob\ns9", "safe", "was he", by="ann", source="api").replaces == ""


def test_one_analyst_cannot_flood(scene: Scene) -> None:
    few = FeedbackBook(scene.house, most_a_day=3)
    target = f"decision:{scene.ask('odd').receipt.decision_id}"
    for _ in range(3):
        few.say("default", target, "dismiss", "noise", by="flood", source="api")
    with pytest.raises(RefusedError) as refused:
        few.say("default", target, "dismiss", "noise", by="flood", source="api")
    assert refused.value.code == "feedback_flood"
    few.say("default", target, "confirm", "not so", by="other", source="api")


def test_one_analyst_cannot_outvote_the_rest_in_training() -> None:
    def said(number: int, by: str) -> Feedback:
        target = f"decision:d{number}"
        return Feedback(f"fbk_{number}", target, "dismiss", "x", by, "api", number, "user:u", (f"d{number}",))

    many = {f"d{n}": said(n, "mallory" if n < 900 else f"a{n % 10}") for n in range(1_000)}
    data, told = labels_of(many, most_share=0.1)
    assert told.by["mallory"] == 100
    assert told.left_out == {"mallory": 800}
    assert len(parse_verdicts(io.BytesIO(data))) == 200


@pytest.mark.parametrize(
    ("target", "verdict", "reason", "code"),
    [
        ("decision:dec_unknown", "confirm", "x", "decision_unknown"),
        ("session:none", "confirm", "x", "session_unknown"),
        ("subject:alice", "confirm", "x", "feedback_invalid"),
        ("decision:", "confirm", "x", "feedback_invalid"),
        ("decision:dec_1", "allow", "x", "feedback_invalid"),
        ("decision:dec_1", "confirm", "   ", "feedback_invalid"),
        ("decision:dec_1", "confirm", "x" * 5_000, "feedback_invalid"),
    ],
)
def test_what_is_no_verdict_is_refused(book: FeedbackBook, target: str, verdict: str, reason: str, code: str) -> None:
    with pytest.raises((FaultyInputError, RefusedError)) as refused:
        book.say("default", target, verdict, reason, by="ann", source="api")
    assert refused.value.code == code


def test_a_spreadsheet_runs_nothing_and_no_free_text_is_exported() -> None:
    said = Feedback("fbk_1", "decision:d", "confirm", "=evil()", "=HYPERLINK(1)", "@api", 1, "user:u", ("d",))
    data, _ = labels_of({"d": said})
    row = next(csv.DictReader(io.StringIO(data.decode())))
    assert (row["by"], row["source"]) == ("'=HYPERLINK(1)", "'@api")
    assert "evil" not in data.decode()


# --- suppressions


def test_what_is_silenced_shows_in_the_record_and_replays_to_the_same(
    scene: Scene, silence: Callable[[Wish], str]
) -> None:
    assert scene.ask("odd").outcome.effect is Effect.STEP_UP
    name = silence(_wish())
    record = scene.ask("odd")
    assert (record.outcome.effect, record.outcome.proposal) == (Effect.ALLOW, Effect.STEP_UP)
    assert Reason.SUPPRESSED in record.outcome.reasons
    assert [(one.id, one.name) for one in record.suppressions] == [(name, "odd-step-up")]
    engine = scene.house.policies.engine("default")
    again = replay(record, engine)
    assert not again.changed
    bare = msgspec.structs.replace(record, suppressions=())
    assert replay(bare, engine).after is Effect.STEP_UP


def test_a_silenced_rule_leaves_the_others_and_the_guardrails(scene: Scene, silence: Callable[[Wish], str]) -> None:
    silence(_wish())
    assert scene.ask("worse").outcome.effect is Effect.DENY
    assert scene.ask("write").outcome.effect is Effect.DENY
    silence(_wish("worse-deny"))
    assert scene.ask("worse").outcome.effect is Effect.ALLOW
    assert scene.ask("write").outcome.effect is Effect.DENY


@pytest.mark.parametrize("subject", ["user:Alice", "user:ALICE", "user:bob", "user:alic", "user:\u0430lice"])
def test_a_scope_reaches_nobody_else(scene: Scene, silence: Callable[[Wish], str], subject: str) -> None:
    silence(_wish(subject=subject))
    assert scene.ask("odd").outcome.effect is Effect.STEP_UP


def test_group_and_class_narrow_further(scene: Scene, silence: Callable[[Wish], str]) -> None:
    silence(_wish(group="staff", resource_class="database"))
    assert scene.ask("odd").outcome.effect is Effect.STEP_UP
    assert scene.ask("odd", kind="database").outcome.effect is Effect.ALLOW
    silence(_wish(group="elsewhere"))
    assert scene.ask("odd").outcome.effect is Effect.STEP_UP


def test_it_ends_when_it_ends(scene: Scene, silence: Callable[[Wish], str]) -> None:
    silence(_wish())
    assert scene.ask("odd").outcome.effect is Effect.ALLOW
    scene.clock.advance(2 * 86_400)
    try:
        assert scene.ask("odd").outcome.effect is Effect.STEP_UP
    finally:
        scene.clock.advance(-2 * 86_400)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (_wish(subject="user:*"), "suppression_invalid"),
        (_wish(subject="user:al?ce"), "suppression_invalid"),
        (_wish(subject=" user:alice"), "suppression_invalid"),
        (_wish(subject="user:ali\u200bce"), "suppression_invalid"),
        (_wish(subject="user:e\u0301"), "suppression_invalid"),
        (_wish(subject="alice"), "suppression_invalid"),
        (_wish("*"), "suppression_invalid"),
        (_wish("no-such-signal", kind="signal"), "suppression_invalid"),
        (_wish(kind="guardrail"), "suppression_invalid"),
        (Wish("rule", "odd-step-up", NOW_NS - 1, "x", "user:alice"), "suppression_invalid"),
        (Wish("rule", "odd-step-up", NOW_NS + 91 * DAY_NS, "x", "user:alice"), "suppression_invalid"),
        (Wish("rule", "odd-step-up", NOW_NS + DAY_NS, " ", "user:alice"), "suppression_invalid"),
        (_wish("no-write"), "suppression_of_guardrail"),
        (_wish("may"), "suppression_of_guardrail"),
        (_wish("session-step-up"), "suppression_of_guardrail"),
        (_wish(subject=""), "suppression_needs_approval"),
        (_wish(subject="", resource_class="doc", proposal="prop_none"), ""),
    ],
)
def test_what_may_not_be_silenced(scene: Scene, wish: Wish, code: str) -> None:
    with pytest.raises((FaultyInputError, RefusedError)) as refused:
        add(scene.house, scene.house.suppressions, "default", wish, "ann")
    assert refused.value.code.startswith(code)
    assert scene.ask("odd").outcome.effect is Effect.STEP_UP


class _Agreed:
    """A quorum that agreed to exactly one deed, until it takes it back."""

    def __init__(self) -> None:
        self.deed: Deed | None = None
        self.used = False

    def check(self, deed: Deed, proposal_id: str, now_ns: int) -> Approved:
        if deed != self.deed:
            raise RefusedError("approval_missing", "nobody agreed to that")
        return Approved("sha256:x", proposal_id, now_ns + 1, ())

    def use(self, deed: Deed, proposal_id: str, by: str) -> Approved:
        if self.used:
            raise RefusedError("approval_used", "this approval was used before")
        self.used = True
        return self.check(deed, proposal_id, 0)


def test_a_broad_one_holds_as_long_as_people_agree_to_this_very_one(scene: Scene) -> None:
    quorum, clock = _Agreed(), scene.clock
    rules = Suppressions(scene.house.store.snapshots, scene.house.ring, clock.now_ns, quorum)
    wish = _wish(subject="", resource_class="database", proposal="prop_1")
    made = rules.draft("default", wish, "ann", frozenset({"odd-step-up"}))
    quorum.deed = deed_of("default", msgspec.structs.replace(made, resource_class="doc"))
    with pytest.raises(RefusedError):
        rules.agreed("default", made)
    quorum.deed = deed_of("default", made)
    rules.agreed("default", made)
    rules.keep("default", made)
    asked = ("default", "user:x", (), "database", clock.now_ns())
    assert rules.in_force(*asked) == (made.told(),)
    quorum.deed = None
    clock.advance(2)
    assert rules.in_force(*asked) == ()
    clock.advance(-2)
    rules.remove("default", made.id)
    assert {"ann", "administrator:ann"} <= deed_of("default", made).own
    quorum.deed = deed_of("default", made)
    rules.take_agreement("default", made, "ann")
    with pytest.raises(RefusedError, match="used before"):
        rules.take_agreement("default", made, "ann")


@pytest.mark.parametrize("to", ["default", "other"])
def test_a_row_that_nobody_signed_for_this_tenant_silences_nothing(
    scene: Scene, silence: Callable[[Wish], str], to: str
) -> None:
    name, store = silence(_wish()), scene.house.store.snapshots
    (row,) = (one for one in store.all("default", "suppression") if one.name == name)
    data = row.data.replace(b"user:alice", b"user:mabel") if to == "default" else row.data
    rules = Suppressions(store, scene.house.ring, scene.clock.now_ns)
    store.save(to, "suppression", name, data, scene.clock.now_ns())
    with pytest.raises(VerificationError, match="not what was signed"):
        rules.in_force(to, "user:mabel" if to == "default" else "user:alice", (), "doc", scene.clock.now_ns())
    if to == "other":
        store.delete(to, "suppression", name)
    else:
        store.save(to, "suppression", name, row.data, scene.clock.now_ns())


def test_a_preview_tells_the_true_alarms_it_would_have_hidden(scene: Scene, book: FeedbackBook) -> None:
    stolen = scene.ask("odd", "bob")
    scene.ask("odd", "bob")
    book.say("default", f"decision:{stolen.receipt.decision_id}", "confirm", "stolen", by="ann", source="api")
    found = preview(scene.house, scene.house.suppressions, "default", _wish(subject="user:bob"), "ann")
    assert found.confirmed >= 1
    assert found.shown[0].verdict == "confirm"
    assert (found.shown[0].before, found.shown[0].after) == ("STEP_UP", "ALLOW")
    assert found.milder == found.silenced
    assert scene.ask("odd", "bob").outcome.effect is Effect.STEP_UP  # a preview silences nothing


def test_adding_and_ending_are_on_record(scene: Scene, silence: Callable[[Wish], str]) -> None:
    name = silence(_wish())
    assert name in {deed["suppression"]["id"] for deed in scene.deeds("suppression.add")}
    with pytest.raises(RefusedError) as unknown:
        remove(scene.house, scene.house.suppressions, "other", name, "ann")
    assert unknown.value.code == "suppression_unknown"


def test_a_store_that_fails_silences_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(scene.house.suppressions, "in_force", broken)
    assert scene.ask("odd").outcome.effect is Effect.STEP_UP
    assert "suppressions_unavailable" in scene.faults


# --- over HTTP


def test_other_tenants_and_strangers(start_server: Callable[..., InProcess]) -> None:
    server = start_server()
    decision = server.ask("step-up").json()["context"]["id"]
    body = {"target": f"decision:{decision}", "verdict": "dismiss", "reason": "noise"}
    assert server.admin("POST", "/tenants/default/feedback", json=body).status_code == 200
    server.admin("POST", "/tenants", json={"tenant": "other"})
    assert server.admin("POST", "/tenants/other/feedback", json=body).json()["code"] == "decision_unknown"
    assert server.admin("GET", "/tenants/other/feedback").json() == []
    labels = server.admin("GET", "/tenants/default/feedback/labels")
    assert labels.text.splitlines()[1].startswith(f"{decision},0,")
    wish = {"kind": "rule", "name": "prove", "expires_ns": 1, "reason": "x", "subject": "user:alice"}
    refused = server.admin("POST", "/tenants/default/suppressions", json=wish)
    assert refused.json()["code"] == "suppression_invalid"
    foreign = server.house.admins.create("other")
    for path in ("feedback", "suppressions", "feedback/labels", "feedback/precision"):
        assert server.admin("GET", f"/tenants/default/{path}", key=foreign).json()["code"] == "tenant_unknown"
        assert server.admin("GET", f"/tenants/default/{path}", key=server.pep_key).status_code == 401
    gone = server.admin("DELETE", "/tenants/default/suppressions/sup_x")
    assert (gone.status_code, gone.json()["code"]) == (404, "suppression_unknown")
