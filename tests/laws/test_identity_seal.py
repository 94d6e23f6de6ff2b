"""Only the identity room can say who somebody is: nobody outside it constructs, copies or changes an identity."""

import ast
import copy
import dataclasses
import pickle  # noqa: TID251 - to see that it is refused
import re
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import pytest

from ostiary.identity.dpop import DpopVerifier
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.remembered import TokenMemory
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.settings import DpopSettings
from ostiary.identity.subject import SubjectVerifier
from ostiary.identity.types import PepIdentity, PresentedSubject, UnverifiedToken, VerifiedIdentity
from ostiary.testing.issuer import FakeIssuer
from ostiary.vocabulary.entities import Subject

NOW_NS = 1_790_000_000_000_000_000
WORDS: dict[str, Any] = {"tenant": "acme", "subject_type": "user", "subject_id": "root", "assurance": "token"}


@pytest.fixture
def genuine() -> VerifiedIdentity:
    issuer = FakeIssuer(tenant="acme")
    config = issuer.config(keep=("groups", "realm"))
    dpop = DpopVerifier(DpopSettings(), MemoryReplay(0, 10))
    verifier = SubjectVerifier(TokenMemory(IssuerBook([config])), dpop)
    token = issuer.token(NOW_NS, groups=["a", "b"], realm={"roles": ["r"]}, auth_time=1_789_999_990, acr="high")
    pep = PepIdentity(pep_id="web", tenant="acme")
    return verifier.verify(pep, Subject("user", "alice"), PresentedSubject(token=token), NOW_NS)


ATTEMPTS: dict[str, Callable[[VerifiedIdentity], object]] = {
    "construct without a seal": lambda _: VerifiedIdentity(**WORDS),
    "construct with a made-up seal": lambda _: VerifiedIdentity(seal=object(), **WORDS),
    "construct with None": lambda _: VerifiedIdentity(seal=None, **WORDS),
    "construct by __new__": lambda _: cast("Any", VerifiedIdentity).__new__(VerifiedIdentity),
    "copy": copy.copy,
    "copy deeply": copy.deepcopy,
    "copy by __copy__": lambda identity: identity.__copy__(),
    "replace a field": lambda identity: dataclasses.replace(identity, subject_id="root"),
    "replace by __replace__": lambda identity: identity.__replace__(subject_id="root"),
    "pickle": pickle.dumps,
    "take the state": lambda identity: identity.__getstate__(),
    "put the state": lambda identity: identity.__setstate__(["x"] * 14),
    "subclass": lambda _: type("Forged", (VerifiedIdentity,), {}),
    "set a field": lambda identity: setattr(identity, "subject_id", "root"),
    "delete a field": lambda identity: delattr(identity, "subject_id"),
    "set a new field": lambda identity: setattr(identity, "admin", True),
    "change a claim": lambda identity: cast("Any", identity.claims).__setitem__("groups", ()),
    "change a claim deep inside": lambda identity: identity.claims["realm"].__setitem__("roles", ()),
    "append to a claim": lambda identity: identity.claims["groups"].append("root"),
}


@pytest.mark.parametrize("attempt", [pytest.param(attempt, id=name) for name, attempt in ATTEMPTS.items()])
def test_an_outsider_fails(genuine: VerifiedIdentity, attempt: Callable[[VerifiedIdentity], object]) -> None:
    before = (repr(genuine), dict(genuine.claims))
    with pytest.raises((TypeError, AttributeError)):
        attempt(genuine)
    assert (repr(genuine), dict(genuine.claims)) == before


def test_initialising_again_changes_nothing(genuine: VerifiedIdentity) -> None:
    before = repr(genuine)
    cast("Any", genuine).__init__(**WORDS, seal=None)
    assert repr(genuine) == before


def test_an_empty_shell_has_nothing_to_decide_on() -> None:
    shell = object.__new__(VerifiedIdentity)
    with pytest.raises(AttributeError):
        _ = shell.subject_id


def test_only_the_room_mentions_the_seal(repo: Path) -> None:
    outside = [path for path in (repo / "src").rglob("*.py") if "identity" not in path.parts]
    assert outside
    assert [path for path in outside if re.search(r"\bSEAL\b|identity\._seal|import _seal", path.read_text())] == []


def test_only_the_subject_verifier_and_the_browsers_make_identities(repo: Path) -> None:
    makers = {
        path.name
        for path in (repo / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "VerifiedIdentity"
    }
    assert makers == {"browsing.py", "subject.py"}


def test_the_document_is_plain_and_fresh(genuine: VerifiedIdentity) -> None:
    document = genuine.document(NOW_NS)
    assert document["claims"] == {"groups": ["a", "b"], "realm": {"roles": ["r"]}}
    assert (document["auth_age_s"], document["acr"], document["assurance"]) == (10.0, "high", "token")
    document["claims"]["groups"].append("root")
    assert genuine.document(NOW_NS)["claims"]["groups"] == ["a", "b"]
    assert isinstance(genuine.claims, MappingProxyType)


def test_secrets_do_not_show_themselves(genuine: VerifiedIdentity) -> None:
    assert "e30" not in repr(UnverifiedToken("e30.e30.e30"))
    assert "e30" not in repr(PresentedSubject(token="e30.e30.e30", dpop="e30.e30.e30"))
    assert "realm" not in repr(genuine)
