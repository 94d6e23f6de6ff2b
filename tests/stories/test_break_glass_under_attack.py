"""Break-glass: what one person alone, a thief of codes, and a clock cannot make of it."""

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostiary.approvals.glass import SECOND_NS, Limits, Opening, Terms, checked, deed_of
from ostiary.decision.parts import Call
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.identity.types import PepIdentity, PresentedSubject
from ostiary.server.bootstrap import bootstrap
from ostiary.server.break_glass.ceremony import Ceremony, call_back, make_codes
from ostiary.server.break_glass.ceremony import deed_of as ceremony_deed
from ostiary.server.break_glass.opening import close, end_overdue, open_by_codes, open_by_quorum
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.quorum import FakeQuorum
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.verdicts import DecisionRecord

NOW = 1_800_000_000 * SECOND_NS
HOUR = 3600 * SECOND_NS
POLICY = """package ostiary.guardrails
allow contains {"rule": "may"} if input.action.name in {"read", "write"}
deny contains {"rule": "off-network"} if input.action.name == "read"
deny contains {"rule": "embargo"} if input.context.country == "XX"
deny contains {"rule": "broken"} if input.action.name == "odd"
step_up contains {"rule": "prove"} if input.action.name == "step"
decision := {"allow": allow, "deny": deny, "step_up": step_up}
"""
CATALOGUE = """
resources:
  - {type: doc, id: "1"}
  - {type: doc, id: vault, break_glass: false}
subjects: [{type: user, id: ann}, {type: user, id: bob}]
"""


class World:
    """An open house with a clock of its own and people who agree when they are told to."""

    def __init__(self, root: Path, *people_of: str) -> None:
        self.places, self.clock = Places(root), FakeClock(NOW)
        self.quorum = FakeQuorum(*people_of)
        self.faults: list[str] = []
        self.number = 0
        self.house = self._open()
        self.house.policies.load("default")

    def _open(self) -> House:
        house = open_house(
            self.places, load(None, environ={}).settings, self.clock, lambda reason, _fault: self.faults.append(reason)
        )
        house.agreed.quorum = self.quorum
        return house

    def restart(self) -> None:
        self.house.close()
        self.house = self._open()
        self.house.policies.load("default")

    def effect(self, subject: str = "ann", resource: str = "1", action: str = "read", **context: Any) -> str:
        return self.decided(subject, resource, action, **context).outcome.effect.name

    def decided(
        self, subject: str = "ann", resource: str = "1", action: str = "read", **context: Any
    ) -> DecisionRecord:
        self.number += 1
        receipt = Receipt(f"dec_{self.number}", self.clock.now_ns(), None)
        request = EvaluationRequest(Subject("user", subject), Action(action), Resource("doc", resource), context)
        pep = PepIdentity(pep_id="pep-1", tenant="default", subjects="asserted", method="api_key")
        return self.house.decider.decide(receipt, Call(pep, request, PresentedSubject())).record

    def terms(self, **changed: Any) -> Terms:
        now = self.clock.now_ns()
        base = Terms(("off-network",), ("doc:1",), ("user:ann",), now, now + HOUR, "the office has no network")
        return msgspec.structs.replace(base, **changed)

    def agreed(self, terms: Terms, *people: str) -> str:
        fit = checked(terms, Limits(1 << 40), self.clock.now_ns())
        return self.quorum.agree(deed_of("default", fit), *(people or ("user:eve", "user:joe")))

    def open(self, terms: Terms | None = None, *people: str) -> Opening:
        wanted = terms or self.terms()
        return open_by_quorum(self.house, "adm_1", "default", wanted, self.agreed(wanted, *people))

    def codes(self, *people: str, need: int = 2, **limits: Any) -> list[str]:
        bounds = Limits(3600, ("off-network",), ("doc:1",), ("user:ann",))
        wanted = Ceremony(people or ("user:eve", "user:joe"), need, msgspec.structs.replace(bounds, **limits))
        self.quorum = FakeQuorum()  # the ceremony is of a tenant without people: another story agrees to one
        self.house.agreed.quorum = self.quorum
        return [one.text for one in make_codes(self.house, "adm_1", "default", wanted)[1]]

    def use(self, *codes: str, terms: Terms | None = None, by: str = "adm_1") -> Opening:
        return open_by_codes(self.house, by, "default", terms or self.terms(), codes)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose bundle has passed its tests, to be copied."""
    root = tmp_path_factory.mktemp("glass") / "data"
    for place, text in {
        "bundles/default/guardrails.rego": POLICY,
        "bundles/default/adaptive.rego": "package ostiary.adaptive\ndecision := {}\n",
        "catalogue/default.yaml": CATALOGUE,
    }.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(text)
    root.chmod(0o700)
    made = World(root)
    bootstrap(made.house)
    made.house.tenants.create("other")
    made.house.close()
    return root


@pytest.fixture
def world(data: Path, tmp_path: Path) -> Iterator[World]:
    made = World(Path(shutil.copytree(data, tmp_path / "data")), "default")
    yield made
    made.house.close()


def refused(deed: Callable[[], object]) -> str:
    with pytest.raises((RefusedError, FaultyInputError)) as caught:
        deed()
    assert isinstance(caught.value, OstiaryError)
    return caught.value.code


def test_a_quorum_opens_what_it_named_and_every_decision_says_so(world: World) -> None:
    assert world.effect() == "DENY"
    made = world.open()
    record = world.decided()
    assert record.outcome.effect.name == "ALLOW"
    assert (record.outcome.break_glass, record.outcome.replaced_by_break_glass) == (made.id, ("off-network",))
    assert "break_glass" in record.outcome.reasons
    deeds = [json.loads(one.payload or b"{}") for one in world.house.log.iterate("default", "admin")]
    opened = next(one for one in deeds if one["action"] == "break_glass.open")
    assert opened["break_glass"] == made.id
    assert "ann" not in json.dumps(opened), "who is let in stands in that person's own record"
    lets_in = world.house.log.iterate("default", "admin", subject_key="user:ann")
    assert [json.loads(one.payload or b"{}")["action"] for one in lets_in] == ["break_glass.lets_in"]


def test_it_is_told_to_whoever_listens(world: World) -> None:
    made = world.open()
    for _ in range(4):
        world.house.response.turn()
    cases = world.house.response.cases.listed("default", "open", 10)
    assert [case.subject or case.title for case in cases]
    close(world.house, "adm_2", "default", made.id, "the network is back")
    assert [one.ending.by for one in world.house.glass.book.listed("default") if one.ending] == ["adm_2"]


def test_one_person_alone_opens_nothing(world: World) -> None:
    assert refused(lambda: world.open(None, "user:eve")) == "approval_too_few"
    assert refused(lambda: world.open(None, "user:eve", "user:eve")) == "approval_too_few"
    assert refused(lambda: world.open(None, "user:eve", "user:ann")) == "approval_too_few", "ann is let in by it"
    assert refused(lambda: open_by_quorum(world.house, "adm_1", "default", world.terms(), "")) == "approval_needed"
    assert (
        refused(lambda: open_by_quorum(world.house, "adm_1", "default", world.terms(), "apr_9")) == "approval_unknown"
    )
    world.house.agreed.quorum = FakeQuorum()  # a tenant without people: one administrator is not enough for this one
    assert refused(lambda: open_by_quorum(world.house, "adm_1", "default", world.terms(), "")) == "approval_needed"
    assert world.effect() == "DENY"


@pytest.mark.parametrize(
    "wider",
    [
        {"replaces": ("embargo", "off-network")},
        {"resources": ("doc:*",)},
        {"resources": ("doc:1", "doc:2")},
        {"subjects": ("user:ann", "user:bob")},
        {"subjects": ("user:bob",)},
        {"until_ns": NOW + 2 * HOUR},
        {"from_ns": NOW + 60 * SECOND_NS, "until_ns": NOW + HOUR + 60 * SECOND_NS},
        {"reason": "some quite other reason"},
    ],
)
def test_what_was_agreed_to_opens_nothing_else(world: World, wider: dict[str, Any]) -> None:
    proposal = world.agreed(world.terms())
    other = world.terms(**wider)
    assert refused(lambda: open_by_quorum(world.house, "adm_1", "default", other, proposal)) == "approval_other_deed"
    assert refused(lambda: open_by_quorum(world.house, "adm_1", "other", world.terms(), proposal)) == "approval_unknown"


def test_an_agreement_opens_once(world: World) -> None:
    terms = world.terms()
    proposal = world.agreed(terms)
    made = open_by_quorum(world.house, "adm_1", "default", terms, proposal)
    close(world.house, "adm_2", "default", made.id, "it is over now")
    world.restart()
    again = lambda: open_by_quorum(world.house, "adm_1", "default", terms, proposal)  # noqa: E731
    assert refused(again) == "approval_used"
    assert world.effect() == "DENY"


def test_it_covers_nobody_and_nothing_else(world: World) -> None:
    world.open(world.terms(resources=("doc:1", "doc:vault")))
    assert world.effect() == "ALLOW"
    assert world.effect(subject="bob") == "DENY"
    assert world.effect(resource="2") == "DENY"
    assert world.effect(resource="vault") == "DENY", "it is marked: no break-glass opens it"
    assert world.effect(country="XX") == "DENY", "another deny stands"
    assert world.effect(action="nothing-allows-this") == "DENY"


def test_it_ends_by_itself_and_for_good(world: World) -> None:
    world.open()
    world.clock.advance(3599)
    assert world.effect() == "ALLOW"
    world.clock.advance(1)
    assert world.effect() == "DENY"
    assert end_overdue(world.house) == 1
    world.clock.advance(-1800)
    assert world.effect() == "DENY", "the clock was set back: what has ended has ended"
    world.restart()
    assert world.effect() == "DENY"


def test_a_clock_that_goes_back_closes_it(world: World) -> None:
    world.open()
    world.clock.advance(1800)
    end_overdue(world.house)
    world.restart()
    world.clock.advance(-1200)
    assert world.effect() == "DENY"
    assert end_overdue(world.house) == 1
    world.clock.advance(1200)
    assert world.effect() == "DENY"


def test_it_survives_a_restart_and_so_does_its_end(world: World) -> None:
    made = world.open()
    world.restart()
    assert world.effect() == "ALLOW"
    close(world.house, "adm_2", "default", made.id, "the network is back")
    assert world.effect() == "DENY"
    world.restart()
    assert world.effect() == "DENY"
    assert refused(lambda: close(world.house, "adm_2", "default", made.id, "once more, please")) == "break_glass_ended"
    assert refused(lambda: close(world.house, "adm_2", "other", made.id, "of another tenant")) == "break_glass_unknown"


def test_closing_in_another_process_counts_at_the_next_decision(world: World) -> None:
    made = world.open()
    assert world.effect() == "ALLOW"
    with open_house(world.places, world.house.settings, world.clock, lambda _reason, _fault: None) as command:
        close(command, "command line", "default", made.id, "somebody saw it")
    assert world.effect() == "DENY"


def test_opening_and_closing_at_once_leaves_it_closed(world: World) -> None:
    made = [world.open(world.terms(until_ns=NOW + HOUR + index * SECOND_NS)) for index in range(4)]

    def close_one(opening: Opening) -> None:
        close(world.house, "adm_2", "default", opening.id, "all of them at once")

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(world.effect) for _ in range(20)]
        list(pool.map(close_one, made))
        assert {one.result() for one in asked} <= {"ALLOW", "DENY"}
    assert world.effect() == "DENY"
    assert world.house.glass.book.living("default") == []


def test_an_agreement_that_is_taken_back_closes_it(world: World) -> None:
    made = world.open()
    assert world.effect() == "ALLOW"
    world.quorum.revoked.add(made.proposal)
    world.clock.advance(1)
    assert world.effect() == "DENY"
    assert end_overdue(world.house) == 1
    world.quorum.revoked.clear()
    world.clock.advance(1)
    assert world.effect() == "DENY", "what has ended has ended"


def test_rows_that_nobody_signed_open_nothing(world: World) -> None:
    made = world.open()
    store = world.house.store.snapshots
    data = store.load("default", "break_glass_open", made.id)
    assert data is not None
    forged = data.replace(b"user:ann", b"user:bob")
    store.save("default", "break_glass_open", made.id, forged, NOW)
    world.clock.advance(2)
    assert (world.effect(), world.effect(subject="bob")) == ("DENY", "DENY")
    assert "break_glass_unreadable" in world.faults
    store.save("default", "break_glass_open", made.id, data, NOW)
    store.save("default", "break_glass_open", "bg_moved", data, NOW)
    world.clock.advance(2)
    assert world.effect() == "DENY", "a row under another name is no row"


def test_too_long_too_many_and_without_a_reason(world: World) -> None:
    assert refused(lambda: world.open(world.terms(until_ns=NOW + 5 * HOUR))) == "break_glass_too_long"
    assert refused(lambda: world.open(world.terms(reason="why"))) == "reason_missing"
    assert refused(lambda: world.open(world.terms(subjects=("user:*",)))) == "break_glass_terms_invalid"
    assert refused(lambda: world.open(world.terms(resources=("*:1",)))) == "break_glass_terms_invalid"
    assert refused(lambda: world.open(world.terms(resources=("doc:a*",)))) == "break_glass_terms_invalid"
    for index in range(8):
        world.open(world.terms(until_ns=NOW + HOUR + index * SECOND_NS))
    assert refused(world.open) == "break_glass_too_many"


def test_a_reason_forges_no_line(world: World) -> None:
    made = world.open(world.terms(reason="because\r\nadmin opened everything\u202e ok"))
    assert "\n" not in made.terms.reason
    assert "\u202e" not in made.terms.reason


def test_codes_of_two_people_open_once(world: World) -> None:
    codes = world.codes()
    made = world.use(*codes)
    assert (made.how, made.people) == ("codes", ("user:eve", "user:joe"))
    assert world.effect() == "ALLOW"
    close(world.house, "adm_2", "default", made.id, "the network is back")
    assert refused(lambda: world.use(*codes)) == "break_glass_codes_wrong", "each is good once"
    world.restart()
    assert refused(lambda: world.use(*codes)) == "break_glass_codes_wrong"
    assert world.effect() == "DENY"


def test_codes_of_one_person_are_one_voice(world: World) -> None:
    codes = world.codes("user:eve", "user:eve", "user:joe")
    assert refused(lambda: world.use(codes[0], codes[1])) == "break_glass_codes_wrong"
    assert refused(lambda: world.use(codes[0], codes[0])) == "break_glass_codes_wrong"
    assert refused(lambda: world.codes("user:eve", "user:eve")) == "break_glass_codes_invalid"
    assert refused(lambda: world.codes(need=1)) == "break_glass_codes_invalid"
    assert world.use(codes[1], codes[2]).people == ("user:eve", "user:joe")


def test_every_wrong_code_is_the_same_answer(world: World) -> None:
    one, other = world.codes(), world.codes("user:ida", "user:kim")
    wrong = [
        (one[0], one[1][:-1] + ("A" if one[1][-1] != "A" else "B")),
        (one[0], other[1]),
        (one[0], "bgc_none.0.AAAA-AAAA"),
        (one[0], one[1].replace(".1.", ".9.")),
    ]
    texts = set()
    for index, codes in enumerate(wrong):
        with pytest.raises(RefusedError) as caught:
            world.use(*codes, by=f"adm_{index}")
        texts.add((caught.value.code, caught.value.message))
    assert len(texts) == 1
    assert world.use(*one, by="adm_9").how == "codes", "a wrong try uses no code up"


def test_guessing_is_limited_and_a_restart_frees_nobody(world: World) -> None:
    codes = world.codes()
    for _ in range(5):
        assert refused(lambda: world.use("bgc_x.0.AAAA", "bgc_x.1.AAAA")) == "break_glass_codes_wrong"
    world.restart()
    world.house.agreed.quorum = FakeQuorum()
    assert refused(lambda: world.use(*codes)) == "break_glass_codes_limited"
    world.clock.advance(-3600)
    assert refused(lambda: world.use(*codes)) == "break_glass_codes_limited"
    world.clock.advance(3600)
    assert world.use(*codes, by="adm_2").how == "codes", "whoever guesses locks out only himself"


def test_guessing_with_many_keys_is_limited_too(world: World) -> None:
    world.codes()
    for index in range(30):
        guess = partial(world.use, "bgc_x.0.A", by=f"adm_{index % 10}")
        assert refused(guess) == "break_glass_codes_wrong"
    assert refused(lambda: world.use("bgc_x.0.A", by="adm_77")) == "break_glass_codes_limited"


def test_codes_open_no_more_than_their_ceremony_said(world: World) -> None:
    codes = world.codes()
    for wider in (
        {"replaces": ("embargo",)},
        {"resources": ("doc:2",)},
        {"subjects": ("user:bob",)},
    ):
        assert refused(partial(world.use, *codes, terms=world.terms(**wider))) == "break_glass_codes_wrong"
    assert world.use(*codes).how == "codes"


def test_whoever_found_codes_does_not_learn_by_asking_for_too_much_that_they_are_good(world: World) -> None:
    codes = world.codes()
    wide, long = world.terms(resources=("doc:2",)), world.terms(until_ns=NOW + 2 * HOUR)
    for terms in (wide, long):
        assert refused(partial(world.use, *codes, terms=terms)) == "break_glass_codes_wrong"
        assert refused(partial(world.use, "bgc_x.0.A", "bgc_x.1.A", terms=terms)) == "break_glass_codes_wrong"
    deeds = [json.loads(one.payload or b"{}") for one in world.house.log.iterate("default", "admin")]
    refusals = [one["code"] for one in deeds if one["action"] == "break_glass.codes_refused"]
    wrong = "break_glass_codes_wrong"
    assert refusals == ["break_glass_too_wide", wrong, "break_glass_too_long", wrong]
    nobodys = world.terms(subjects=("user:*",))
    for typed in (codes, ["bgc_x.0.A", "bgc_x.1.A"]):
        assert refused(partial(world.use, *typed, terms=nobodys)) == "break_glass_terms_invalid"
    assert world.use(*codes).how == "codes"


def test_codes_that_are_over_or_called_back_are_good_for_nothing(world: World) -> None:
    codes, others = world.codes(), world.codes()
    call_back(world.house, "adm_2", "default", codes[0].split(".")[0])
    assert refused(lambda: world.use(*codes)) == "break_glass_codes_wrong"
    world.clock.advance(367 * 86_400)
    terms = world.terms()
    assert refused(lambda: world.use(*others, terms=terms)) == "break_glass_codes_wrong"


def test_two_at_once_use_a_code_once(world: World) -> None:
    codes = world.codes()

    def attempt(index: int) -> bool:
        try:
            world.use(*codes, by=f"adm_{index}")
        except RefusedError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) <= 1
    assert refused(lambda: world.use(*codes, by="adm_9")) == "break_glass_codes_wrong"


def test_only_hashes_of_codes_are_kept(world: World) -> None:
    codes = world.codes()
    world.house.log.head()
    secrets = [code.split(".")[2].replace("-", "") for code in codes]
    kept = b"".join(path.read_bytes() for path in world.places.root.glob("ostiary.db*"))
    assert not any(secret.encode() in kept for secret in secrets)
    assert not any(code.split(".")[2].encode() in kept for code in codes)


def test_where_there_are_people_they_agree_to_the_ceremony(world: World) -> None:
    limits = Limits(3600, ("off-network",), ("doc:1",), ("user:ann",))
    wanted = Ceremony(("user:eve", "user:joe"), 2, limits)
    assert refused(lambda: make_codes(world.house, "adm_1", "default", wanted)) == "approval_needed"


def _agreed_codes(world: World, people: tuple[str, ...] = ("user:eve", "user:joe")) -> tuple[list[str], str]:
    """Make codes by a ceremony that people agreed to; return them with the proposal."""
    limits = Limits(3600, ("off-network",), ("doc:1",), ("user:ann",))
    wanted = Ceremony(people, 2, limits)
    proposal = world.quorum.agree(ceremony_deed("default", wanted), "user:eve", "user:joe")
    return [one.text for one in make_codes(world.house, "adm_1", "default", wanted, proposal)[1]], proposal


def test_codes_that_one_administrator_made_before_there_were_people_open_nothing(world: World) -> None:
    codes = world.codes()
    world.house.agreed.quorum = FakeQuorum("default")
    assert refused(lambda: world.use(*codes)) == "break_glass_codes_wrong"
    assert world.effect() == "DENY"


def test_codes_whose_ceremony_people_agree_to_no_more_open_nothing(world: World) -> None:
    codes, proposal = _agreed_codes(world)
    world.quorum.revoked.add(proposal)
    assert refused(lambda: world.use(*codes)) == "break_glass_codes_wrong"
    world.quorum.revoked.clear()
    assert world.use(*codes).how == "codes"


def test_the_code_of_somebody_who_is_none_of_the_people_any_more_is_no_voice(world: World) -> None:
    codes, _ = _agreed_codes(world)
    world.quorum.strangers.add("user:joe")
    assert refused(lambda: world.use(*codes)) == "break_glass_codes_wrong"


def test_two_names_of_one_person_are_not_two_holders(world: World) -> None:
    world.quorum.strangers.add("user:eve-at-home")
    assert refused(lambda: _agreed_codes(world, ("user:eve", "user:eve-at-home"))) == "break_glass_codes_invalid"
