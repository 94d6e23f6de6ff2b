"""Models become live by proposals and passkeys: what was agreed to is asked again at every load."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ostiary.approvals.proposal import Draft, Proposal
from ostiary.audit import AuditLog
from ostiary.errors import OstiaryError
from ostiary.keys import KeyRing, SubjectVault
from ostiary.pipeline.registry.model import Version
from ostiary.pipeline.registry.promoting import ROLLBACK, Asked
from ostiary.server.model_approvals import QuorumForModels, evidence_of, model_deed
from ostiary.testing.approval_book import MemoryApprovalBook
from ostiary.testing.approval_scene import TENANT, ApprovalScene
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.memory_store import MemoryStore
from ostiary.testing.model_book import MemoryModelBook
from ostiary.testing.model_scene import PROMOTER, STAGE, ModelScene

DAY_S = 86_400


class House:
    """A registry and a room of approvals over one log."""

    def __init__(self, models: ModelScene, people: ApprovalScene, clock: FakeClock) -> None:
        self.models, self.people, self.clock = models, people, clock

    def propose(self, asked: Asked) -> Proposal:
        deed = model_deed(self.models.promoter.wanted(asked), self.models.people.of(TENANT))
        return self.people.room.propose(TENANT, Draft(deed, "user:zed", "better"))

    def agreed(self, version: Version, *who: str, stage: str = STAGE) -> tuple[Asked, Proposal]:
        asked = self.models.asked(version, stage=stage)
        made = self.propose(asked)
        for person in who or ("user:ann", "user:bob"):
            self.people.says(person, made)
        return msgspec.structs.replace(asked, approval=evidence_of(made.proposal_id)), made

    def promote(self, version: Version, *who: str) -> Proposal:
        asked, made = self.agreed(version, *who)
        self.models.promoter.change(asked, PROMOTER)
        return made


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    clock, store = FakeClock(), MemoryStore()
    vault, ring = SubjectVault(tmp_path / "vault", store), KeyRing(tmp_path / "ring", clock)
    with AuditLog(store, vault, ring, clock) as log:
        people = ApprovalScene(log, MemoryApprovalBook(store), clock)
        models = ModelScene(
            log,
            MemoryModelBook(store),
            clock,
            tmp_path,
            approvals=lambda made: QuorumForModels(people.room, made.people.of, made.journal, made.book),
        )
        yield House(models, people, clock)


def refused(no: pytest.ExceptionInfo[OstiaryError]) -> str:
    return no.value.code


def test_a_model_that_people_agreed_to_is_loaded_for_as_long_as_that_holds(house: House) -> None:
    made = house.promote(house.models.register())
    house.clock.advance(30 * DAY_S)  # long after anybody could have signed
    assert house.models.load().live.expires_ns == made.holds_until_ns
    house.clock.advance(370 * DAY_S)
    with pytest.raises(OstiaryError) as no:
        house.models.load()
    assert refused(no) == "approval_expired"


def test_it_is_loaded_no_more_once_an_approver_has_lost_the_passkey(house: House) -> None:
    house.promote(house.models.register())
    house.people.passkeys.remove(TENANT, "user:bob", house.people.keys["user:bob"].credential_id)
    with pytest.raises(OstiaryError) as no:
        house.models.load()
    assert refused(no) == "approval_key_revoked"


def test_it_is_loaded_no_more_once_the_proposal_is_withdrawn(house: House) -> None:
    made = house.promote(house.models.register())
    house.people.room.withdraw(TENANT, made.proposal_id, "user:eve", "it misses takeovers")
    with pytest.raises(OstiaryError) as no:
        house.models.load()
    assert refused(no) == "approval_withdrawn"


def test_it_is_loaded_no_more_once_the_approval_is_revoked_at_the_registry(house: House) -> None:
    made = house.promote(house.models.register())
    house.models.warden.revoke(TENANT, "fraud", made.digest, PROMOTER, "wrong data")
    with pytest.raises(OstiaryError) as no:
        house.models.load()
    assert refused(no) == "approval_revoked"


def test_an_agreement_to_one_promotion_is_none_to_another(house: House) -> None:
    first, second = house.models.register(b"one"), house.models.register(b"two")
    asked, _ = house.agreed(first)
    cases = {
        "another version": house.models.asked(second),
        "another stage": house.models.asked(first, stage="staging"),
        "other metrics": house.models.asked(first, report=house.models.report(first, auc=0.99)),
    }
    for words, other in cases.items():
        with pytest.raises(OstiaryError) as no:
            house.models.promoter.change(msgspec.structs.replace(other, approval=asked.approval), PROMOTER)
        assert refused(no) == "approval_other_deed", words
    house.promote(second)
    with pytest.raises(OstiaryError) as no:  # what is live before it has changed
        house.models.promoter.change(msgspec.structs.replace(asked, action=ROLLBACK), PROMOTER)
    assert refused(no) in {"approval_other_deed", "model_never_live"}


def test_an_agreement_promotes_once(house: House) -> None:
    first = house.models.register(b"one")
    asked, _ = house.agreed(first)
    house.models.promoter.change(asked, PROMOTER)
    house.promote(house.models.register(b"two"))
    with pytest.raises(OstiaryError) as no:
        house.models.promoter.change(asked, PROMOTER)
    assert refused(no) == "model_downgrade"


def test_whoever_made_it_does_not_approve_it(house: House) -> None:
    house.models.cast.also["tess"] = ["user:ann"]
    house.models.write_people()
    version = house.models.register()
    asked = house.models.asked(version)
    made = house.propose(asked)
    with pytest.raises(OstiaryError) as no:
        house.people.says("user:ann", made)
    assert refused(no) == "approval_own_work"


def test_evidence_is_small_and_plain(house: House) -> None:
    asked = house.models.asked(house.models.register())
    cases = {
        b"": "approval_missing",
        b"{}": "approval_malformed",
        b'{"proposal":"apr_x","more":1}': "approval_malformed",
        b'{"proposal":"' + b"a" * 300 + b'"}': "approval_malformed",
        b'{"proposal":"apr_none"}': "approval_unknown",
        b"\xff": "approval_malformed",
    }
    for evidence, code in cases.items():
        with pytest.raises(OstiaryError) as no:
            house.models.promoter.change(msgspec.structs.replace(asked, approval=evidence), PROMOTER)
        assert refused(no) == code
