"""An attacker who begins as the victim and moves a little with every accepted window: the template is not taught him.

The people are invented; real people's figures are those of ``benchmarks/biometrics_drift.py``.
"""

from collections.abc import Iterable, Iterator
from typing import cast

import msgspec
import numpy as np
import pytest

from ostiary.biometrics.liveness import Verdict
from ostiary.biometrics.model import Model
from ostiary.biometrics.updating import (
    RULES,
    Moment,
    Offer,
    State,
    Whose,
    begin,
    ended,
    first,
    following,
    nats,
    offered,
    replacing,
    replacing_deed,
    settled,
    verified,
)
from ostiary.biometrics.updating.packing import pack_state
from ostiary.biometrics.window import Floats, Modality, Window
from ostiary.errors import RefusedError, VerificationError
from ostiary.keys import SigningKey
from ostiary.testing.behaviour import people
from ostiary.testing.drifters import between, blended
from ostiary.testing.quorum import FakeQuorum
from ostiary.testing.rhythm_model import RhythmModel

DAY = 25 * 3_600 * 10**9
STEPS = 200


@pytest.fixture(scope="module")
def everybody() -> dict[str, list[Window]]:
    found: dict[str, list[Window]] = {}
    for row in people(Modality.KEYSTROKE, 160, 2, 9):
        found.setdefault(row.subject, []).append(row.window)
    return found


@pytest.fixture(scope="module")
def model(everybody) -> Model:
    return cast("Model", RhythmModel(list(everybody.values())[10:]))


@pytest.fixture(scope="module")
def pairs(model, everybody) -> list[tuple[list[Window], list[Window]]]:
    """Victims and attackers whom the model tells apart; who types as the victim does needs no drift."""
    names = list(everybody)[:10]
    apart = []
    for victim in names:
        state = begin(model, model.embed(everybody[victim][:8]))
        for attacker in names:
            score = model.scores(state.anchor, model.embed(everybody[attacker])).mean()
            if attacker != victim and model.llr(float(score), 8, 1) < -2.5:
                apart.append((everybody[victim], everybody[attacker]))
    return apart[::4][:8]


def lived(state: State, model: Model, rows: Iterable[Floats]) -> Iterator[Offer]:
    for count, row in enumerate(rows, start=1):
        now = count * DAY
        told = offered(settled(state, model, now), model, row, Moment("s", now - 9, now - 5, now))
        state = told.state
        yield told


def way(state: State, target: Floats) -> float:
    """Return how far the adaptive template came on the way from the anchor to the attacker."""
    start, end = state.anchor.centre[0], target
    return float((state.adaptive.centre[0] - start) @ (end - start) / ((end - start) @ (end - start)))


def drifting(model: Model, victim: list[Window], attacker: list[Window], luck: np.random.Generator) -> Floats:
    shares = [1 - 0.98**step for step in range(1, STEPS + 1)]
    own, other = victim[8:], attacker
    windows = [blended(own[luck.integers(len(own))], other[luck.integers(len(other))], share) for share in shares]
    return model.embed(windows)


def test_a_drift_of_windows_is_stopped_before_half_way(model, pairs) -> None:
    luck = np.random.default_rng(1)
    assert pairs
    for victim, attacker in pairs:
        begun = begin(model, model.embed(victim[:8]))
        told = list(lived(begun, model, drifting(model, victim, attacker, luck)))
        assert any(one.accepted for one in told[:10]), "the victim's own windows are learned from"
        assert not any(one.accepted for one in told[STEPS // 2 :])
        assert told[STEPS // 2].alarm, told[STEPS // 2].reason
        assert way(told[-1].state, model.embed(attacker).mean(axis=0)) < 0.5


def test_who_sees_the_embeddings_and_moves_on_with_each_accepted_window_is_stopped_as_well(model, pairs) -> None:
    came = []
    for victim, attacker in pairs:
        state, target = begin(model, model.embed(victim[:8])), model.embed(attacker).mean(axis=0)
        anchor, share = state.anchor.centre[0], 0.02
        for count in range(1, STEPS + 1):
            now = count * DAY
            row = between(anchor, target, share)
            told = offered(settled(state, model, now), model, row, Moment("s", now - 9, now, now))
            state, share = told.state, min(1.0, share + 0.02 * told.accepted)
        came.append(way(state, target))
    assert max(came) < 0.5, came


def test_without_the_anchor_the_same_drift_succeeds(model, pairs) -> None:
    for victim, attacker in pairs:
        template, target = model.enrol(model.embed(victim[:8])), model.embed(attacker).mean(axis=0)
        anchor, share = template.centre[0], 0.02
        for _ in range(STEPS):
            row = between(anchor, target, share)
            if nats(model, template, row) > RULES.update:  # what is accepted is learned from, and nothing else is asked
                template, share = model.moved(template, row, 0.1), min(1.0, share + 0.02)
        assert share == 1.0
        assert model.apart(template, model.enrol(model.embed(attacker))) < 0.1


def test_a_window_counts_only_when_its_session_was_proven_after_it_began(model, everybody) -> None:
    rows = model.embed(next(iter(everybody.values())))
    state = begin(model, rows[:8])
    for proven in (0, 99, 201):  # never, before it began, and in a future that nobody can prove
        told = offered(state, model, rows[9], Moment("s", 100, proven, 200))
        assert (told.accepted, told.reason.partition(":")[0]) == (False, "not re-authenticated")
        assert told.state is state
    assert any(offered(state, model, row, Moment("s", 100, 150, 200)).accepted for row in rows[8:])


def test_a_window_waits_a_day_and_is_gone_when_its_session_ends_badly(model, everybody) -> None:
    rows = model.embed(next(iter(everybody.values())))
    state = begin(model, rows[:8])
    row = next(row for row in rows[8:] if offered(state, model, row, Moment("s", 0, 0, 0)).accepted)
    waiting = offered(state, model, row, Moment("s", 0, 0, 0)).state
    day = RULES.quarantine_s * 10**9
    assert settled(waiting, model, day - 1).counted == 0
    assert settled(waiting, model, day).counted == 1
    assert settled(ended(waiting, "s", well=True), model, day).counted == 1
    assert settled(ended(waiting, "other", well=False), model, day).counted == 1
    assert settled(ended(waiting, "s", well=False), model, day).counted == 0


def test_a_day_of_many_windows_moves_the_template_no_further_than_the_cap(model, everybody) -> None:
    rows = model.embed(next(iter(everybody.values())))
    state, rules = begin(model, rows[:8]), msgspec.structs.replace(RULES, share=0.5, day_cap=0.1)
    for _ in range(10):
        state = offered(state, model, rows[9], Moment("s", 0, 0, 0), rules=rules).state
    after = settled(state, model, DAY, rules)
    assert model.apart(after.adaptive, state.anchor) <= 0.1
    assert after.waiting == ()


def test_what_is_not_live_is_not_learned_from(model, everybody) -> None:
    rows = model.embed(next(iter(everybody.values())))
    told = offered(begin(model, rows[:8]), model, rows[9], Moment("s", 0, 0, 0), Verdict(0.0, ("replay: seen before",)))
    assert (told.accepted, told.alarm, told.reason) == (False, False, "replay: seen before")


WHOSE = Whose("acme", "user:ann", Modality.KEYSTROKE)
KEY = SigningKey.generate("k1")


def test_an_anchor_is_replaced_only_by_what_people_agreed_to(model, everybody) -> None:
    ann, eve = (begin(model, model.embed(windows)) for windows in list(everybody.values())[:2])
    version = first(WHOSE, ann, KEY, 5)
    with pytest.raises(RefusedError, match="anchor is another"):
        following(version, eve, KEY, 6)
    with pytest.raises(RefusedError) as nobody:
        replacing(version, eve, None, "apr_0", KEY, 6)
    assert nobody.value.code == "approval_missing"
    quorum = FakeQuorum("acme")
    other = quorum.agree(replacing_deed(version, ann), "user:bob", "user:eve")
    own = quorum.agree(replacing_deed(version, eve), "user:ann", "user:bob")
    for proposal, code in ((other, "approval_other_deed"), (own, "approval_too_few"), ("apr_9", "approval_unknown")):
        with pytest.raises(RefusedError) as refused:
            replacing(version, eve, quorum, proposal, KEY, 6)
        assert refused.value.code == code
    agreed = quorum.agree(replacing_deed(version, eve), "user:bob", "user:eve")
    made, approval = replacing(version, eve, quorum, agreed, KEY, 6)
    assert (made.serial, made.previous, approval) == (2, version.digest, f"sha256:{agreed}")


def test_a_forged_changed_foreign_or_older_version_is_not_believed(model, everybody) -> None:
    ann, eve = (begin(model, model.embed(windows)) for windows in list(everybody.values())[:2])
    one = first(WHOSE, ann, KEY, 5)
    grown = msgspec.structs.replace(ann, counted=1)
    two = following(one, grown, KEY, 6)
    keys, stranger = [KEY.public], SigningKey.generate("k1")
    kept = pack_state(grown)
    assert pack_state(verified(WHOSE, (two, kept), keys, two.digest)) == kept
    forged = first(WHOSE, eve, stranger, 6)
    cases = [
        (WHOSE, (forged, pack_state(eve)), forged.digest, "template_tampered"),  # another's key of the same name
        (WHOSE, (two, pack_state(ann)), two.digest, "template_tampered"),  # other numbers
        (WHOSE, (msgspec.structs.replace(two, serial=9), kept), two.digest, "template_tampered"),
        (Whose("acme", "user:eve", Modality.KEYSTROKE), (two, kept), two.digest, "template_tampered"),
        (WHOSE, (one, pack_state(ann)), two.digest, "template_rolled_back"),
    ]
    for whose, data, last, code in cases:
        with pytest.raises(VerificationError) as refused:
            verified(whose, data, keys, last)
        assert refused.value.code == code
    with pytest.raises(RefusedError, match="is newer"):
        following(two, grown, KEY, 5)
