"""Somebody who approves and validates stands in the file twice, and is one person with all names and keys of both."""

from types import SimpleNamespace
from typing import Any

import pytest

from ostiary.errors import RefusedError
from ostiary.keys import SigningKey
from ostiary.pipeline.registry.approving import TwoKeyCheck, make_approval
from ostiary.pipeline.registry.model import Trainer
from ostiary.pipeline.registry.people import People, fingerprint, read_people
from ostiary.pipeline.registry.reporting import Findings, check_report, make_report
from ostiary.vocabulary.approvals import Wanted

DIGEST = "sha256:" + "ab" * 32
APPROVES, VALIDATES, BOB, SIGNS = (SigningKey.generate(name, "ES256") for name in ("a", "v", "b", "s"))


def entry(person: str, key: SigningKey, *also: str) -> str:
    pem = key.public.pem().decode().replace("\n", "\\n")
    return f'  - {{person: "{person}", keys: ["{pem}"], also: [{", ".join(map(repr, also))}]}}\n'


def people(*, names_of_the_approver: tuple[str, ...] = (), names_of_the_validator: tuple[str, ...] = ()) -> People:
    text = "approvers:\n" + entry("user:alice", APPROVES, *names_of_the_approver) + entry("user:bob", BOB)
    text += "validators:\n" + entry("user:alice", VALIDATES, *names_of_the_validator)
    return read_people("people.yaml", text.encode())


def approved(known: People, trainer: Trainer) -> int:
    own, keys = trainer.names, frozenset(trainer.keys)
    wanted = Wanted("t", "promote", "m", 1, "production", DIGEST, "", "sha256:m", "sha256:r", own, keys)
    evidence = make_approval(wanted, issued_ns=1, expires_ns=10**15, nonce="n" * 20, keys=[APPROVES, BOB])
    return len(TwoKeyCheck(lambda _: known, lambda *_: False).check(wanted, evidence, 10).keys)


def validated(known: People, trainer: Trainer) -> str:
    report = make_report("m", DIGEST, Findings("t", "m", DIGEST, {"auc": 0.9}, passed=True, made_ns=1), [VALIDATES])
    version: Any = SimpleNamespace(tenant="t", name="m", digest=DIGEST, statement=DIGEST, trainer=trainer)
    return check_report(lambda _: known, version, report).validator


def test_an_approver_is_known_by_the_names_that_stand_with_the_validator() -> None:
    known = people(names_of_the_validator=("github-actor:1",))
    assert approved(known, Trainer("github-actor:2")) == 2
    with pytest.raises(RefusedError) as fault:
        approved(known, Trainer("github-actor:1"))
    assert fault.value.code == "approval_own_work"


def test_a_validator_is_known_by_the_names_that_stand_with_the_approver() -> None:
    known = people(names_of_the_approver=("github-actor:1",))
    assert validated(known, Trainer("github-actor:2")) == "user:alice"
    with pytest.raises(RefusedError) as fault:
        validated(known, Trainer("github-actor:1"))
    assert fault.value.code == "report_own_work"


def test_whoever_signed_the_files_with_either_key_made_the_model() -> None:
    with pytest.raises(RefusedError) as fault:
        approved(people(), Trainer("ci_job:7", (), (fingerprint(VALIDATES.public),)))
    assert fault.value.code == "approval_own_work"
    with pytest.raises(RefusedError) as fault:
        validated(people(), Trainer("ci_job:7", (), (fingerprint(APPROVES.public),)))
    assert fault.value.code == "report_own_work"
    assert approved(people(), Trainer("ci_job:7", (), (fingerprint(SIGNS.public),))) == 2
