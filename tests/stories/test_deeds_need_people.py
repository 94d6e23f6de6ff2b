"""What one administrator could do alone: not where the tenant has people, and not by swapping what they agreed to."""

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ostiary.errors import OstiaryError
from ostiary.policy.bundle import Bundle
from ostiary.policy.sandbox import Report
from ostiary.server.activating import activate_bundle, activate_model
from ostiary.server.activation import MODEL, POLICY
from ostiary.server.bootstrap import bootstrap
from ostiary.server.consented import erase_deed, may_add_administrator, may_change_keys, may_erase
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.parts import FixedScorer
from ostiary.testing.quorum import FakeQuorum
from ostiary.vocabulary.approvals import Deed

PEOPLE = ("user:eve", "user:joe")
POLICY_TEXT = """package ostiary.guardrails
allow contains {"rule": "version-NUMBER"} if input.action.name == "read"
decision := {"allow": allow}
"""


class World:
    """A house with a bundle of its own, and people who agree when they are told to."""

    def __init__(self, root: Path) -> None:
        self.places, self.clock = Places(root), FakeClock()
        self.quorum = FakeQuorum("default")
        self.faults: list[str] = []
        self.house = self.open()

    def open(self) -> House:
        self.faults.clear()
        settings = load(None, environ={}).settings
        house = open_house(self.places, settings, self.clock, lambda reason, _fault: self.faults.append(reason))
        house.agreed.quorum = self.quorum
        # Trying a bundle out in a process of its own has stories of its own, and takes a second each time.
        house.policies._admit = lambda bundle: Report(digest=bundle.digest)
        return house

    def restart(self) -> None:
        self.house.close()
        self.house = self.open()

    def write(self, number: int, tenant: str = "default") -> str:
        folder = self.places.bundle(tenant)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "guardrails.rego").write_text(POLICY_TEXT.replace("NUMBER", str(number)))
        (folder / "adaptive.rego").write_text("package ostiary.adaptive\ndecision := {}\n")
        return Bundle.load(folder).digest

    def agree_to(self, digest: str, impact: str = "") -> str:
        """Let people agree to a bundle that was tried out: the refusal of a reload says what they are shown."""
        with pytest.raises(OstiaryError):
            self.house.policies.reload("default", by="adm_1", impact=impact)
        asked = self.house.activations.deed("default", POLICY, digest, {"tests": self.tests(digest), "impact": impact})
        return self.quorum.agree(asked, *PEOPLE)

    def tests(self, digest: str) -> str:
        data = self.house.store.snapshots.load("system", "policy_admitted", digest)
        return data.decode().split('"')[3] if data and b"sha256" in data else ""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with its first bundle in force, put there while there were no people."""
    root = tmp_path_factory.mktemp("deeds") / "data"
    root.mkdir(mode=0o700)
    made = World(root)
    made.quorum = FakeQuorum()
    made.house.agreed.quorum = made.quorum
    bootstrap(made.house)
    made.write(0)
    made.house.policies.load("default")
    made.house.close()
    return root


@pytest.fixture
def world(data: Path, tmp_path: Path) -> Iterator[World]:
    made = World(Path(shutil.copytree(data, tmp_path / "data")))
    yield made
    made.house.close()


def refused(deed: Callable[[], object]) -> str:
    with pytest.raises(OstiaryError) as caught:
        deed()
    return caught.value.code


def test_a_bundle_is_put_in_force_by_people(world: World) -> None:
    old = world.house.policies.load("default").digest
    new = world.write(1)
    assert refused(lambda: activate_bundle(world.house, "adm_1", "default")) == "approval_needed"
    assert world.house.policies.load("default").digest == old, "the old one stays in force"
    proposal = world.agree_to(new)
    assert activate_bundle(world.house, "adm_1", "default", proposal).digest == new
    world.restart()
    assert world.house.policies.load("default").digest == new
    assert activate_bundle(world.house, "adm_1", "default").digest == new, "the same again needs nobody"


def test_the_refusal_names_the_command_that_proposes_it(world: World) -> None:
    new = world.write(1)
    with pytest.raises(OstiaryError) as caught:
        activate_bundle(world.house, "adm_1", "default")
    assert "`ostiary approvals propose policy.activate policy --tenant default" in caught.value.message
    assert f"new={new}" in caught.value.message


def test_a_bundle_that_was_swapped_after_the_agreement_is_another_deed(world: World) -> None:
    world.house.policies.load("default")
    proposal = world.agree_to(world.write(1))
    world.write(2)
    assert refused(lambda: activate_bundle(world.house, "adm_1", "default", proposal)) == "approval_other_deed"


def test_a_bundle_that_was_swapped_before_a_start_is_not_loaded(world: World) -> None:
    world.house.policies.load("default")
    proposal = world.agree_to(world.write(1))
    activate_bundle(world.house, "adm_1", "default", proposal)
    world.write(3)
    world.restart()
    assert refused(lambda: world.house.policies.load("default")) == "policy_not_agreed"
    world.write(0)
    assert refused(lambda: world.house.policies.load("default")) == "policy_not_agreed", "an older one put back"
    shutil.rmtree(world.places.bundle("default"))
    assert refused(lambda: world.house.policies.load("default")) == "policy_not_agreed", "another one that would count"
    world.write(1)
    assert world.house.policies.load("default").bundle.digest


def test_an_agreement_that_was_taken_back_holds_at_no_load(world: World) -> None:
    world.house.policies.load("default")
    proposal = world.agree_to(world.write(1))
    activate_bundle(world.house, "adm_1", "default", proposal)
    world.quorum.revoked.add(proposal)
    world.restart()
    assert refused(lambda: world.house.policies.load("default")) == "approval_denied"


def test_an_agreement_to_another_step_does_not_count(world: World) -> None:
    world.house.policies.load("default")
    first = world.write(1)
    to_first = world.agree_to(first)
    second = world.write(2)
    to_second = world.agree_to(second)
    activate_bundle(world.house, "adm_1", "default", to_second)
    world.write(1)
    assert refused(lambda: activate_bundle(world.house, "adm_1", "default", to_first)) == "approval_other_deed"


def test_the_note_of_what_is_in_force_is_signed(world: World) -> None:
    world.house.policies.load("default")
    store = world.house.store.snapshots
    kept = store.load("default", "in_force", POLICY)
    assert kept is not None
    new = world.write(1)
    store.save("default", "in_force", POLICY, kept.replace(kept[20:30], b"x" * 10), 1)
    world.restart()
    assert refused(lambda: world.house.policies.load("default")) == "shelf_tampered"
    store = world.house.store.snapshots
    store.save("default", "in_force", MODEL, kept, 1)
    assert refused(lambda: world.house.activations.check_load("default", MODEL, new, "own")) == "shelf_tampered"


def test_a_report_that_is_named_is_about_this_bundle(world: World) -> None:
    world.house.policies.load("default")
    world.write(1)
    named = lambda: activate_bundle(world.house, "adm_1", "default", "apr_0", "sha256:nothing")  # noqa: E731
    assert refused(named) == "report_unknown"


class Loaded:
    """Stands where a model is loaded from disk: what lies there is said by the test."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.digest = "sha256:one"
        folder = world.places.model("default")
        folder.mkdir(parents=True)
        monkeypatch.setattr(world.house.scorers, "_load", lambda _tenant, _source: self._scorer())

    def _scorer(self) -> Any:
        scorer = FixedScorer(0.5)
        scorer.digest = self.digest
        return scorer


def test_an_unapproved_model_is_no_model(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = Loaded(world, monkeypatch)
    assert world.house.scorers.scorer("default") is None
    assert "model_not_agreed" in world.faults
    assert refused(lambda: activate_model(world.house, "adm_1", "default")) == "approval_needed"
    deed = world.house.activations.deed("default", MODEL, "sha256:one", {})
    proposal = world.quorum.agree(deed, *PEOPLE)
    assert activate_model(world.house, "adm_1", "default", proposal) == "sha256:one"
    loaded.digest = "sha256:swapped"
    assert world.house.scorers.reload("default") is None
    loaded.digest = "sha256:one"
    assert world.house.scorers.reload("default") is not None
    world.quorum.revoked.add(proposal)
    assert world.house.scorers.reload("default") is None, "taken back"


def test_a_model_that_is_swapped_between_agreement_and_load_is_no_model(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = Loaded(world, monkeypatch)
    deed = world.house.activations.deed("default", MODEL, "sha256:one", {})
    proposal = world.quorum.agree(deed, *PEOPLE)
    loaded.digest = "sha256:swapped"
    assert refused(lambda: activate_model(world.house, "adm_1", "default", proposal)) == "approval_other_deed"


def test_erasing_is_agreed_to_for_one_person_and_reason(world: World) -> None:
    house, reason = world.house, "erasure asked for, art. 17 GDPR"
    proposal = world.quorum.agree(erase_deed("default", "user:ann", reason), *PEOPLE)

    def erase(target: str, why: str, name: str) -> Callable[[], object]:
        return partial(may_erase, house, "adm_1", "default", target, why, name)

    assert refused(erase("user:ann", "", proposal)) == "reason_missing"
    assert refused(erase("user:bob", reason, proposal)) == "approval_other_deed"
    assert refused(erase("user:ann", "another reason altogether", proposal)) == "approval_other_deed"
    assert refused(erase("tenant:default", reason, proposal)) == "approval_other_deed"
    assert refused(erase("user:ann", reason, "")) == "approval_needed"
    assert may_erase(house, "adm_1", "default", "user:ann", reason, proposal).proposal == proposal
    assert refused(erase("user:ann", reason, proposal)) == "approval_used"


def test_keys_and_administrators_are_no_one_persons(world: World) -> None:
    house = world.house
    assert refused(lambda: may_add_administrator(house, "adm_1", "default", "")) == "approval_needed"
    assert refused(lambda: may_change_keys(house, "adm_1", "default", "models", "", alg="")) == "approval_needed"
    proposal = world.quorum.agree(Deed("default", "keys.ceremony", "models", {"alg": "EdDSA"}), *PEOPLE)
    other = lambda: may_change_keys(house, "adm_1", "default", "log", proposal, alg="EdDSA")  # noqa: E731
    assert refused(other) == "approval_other_deed"
    weaker = lambda: may_change_keys(house, "adm_1", "default", "models", proposal, alg="RS256")  # noqa: E731
    assert refused(weaker) == "approval_other_deed"


def test_without_people_one_administrator_is_enough_and_it_is_said(world: World) -> None:
    world.house.agreed.quorum = FakeQuorum()
    consent = may_add_administrator(world.house, "adm_1", "default", "")
    assert consent.told == {"approved_by": "one administrator"}
    new = world.write(1)
    assert activate_bundle(world.house, "adm_1", "default").digest == new
