"""How a verified token is made, and that nothing in it breaks the reading."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ostiary.identity.dpop import DpopVerifier
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.remembered import TokenMemory
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.settings import DpopSettings
from ostiary.identity.subject import SubjectVerifier
from ostiary.identity.traits import traits_of
from ostiary.identity.types import PepIdentity, PresentedSubject, TokenTraits
from ostiary.testing.issuer import FakeIssuer
from ostiary.vocabulary.entities import Subject

NOW_NS = 1_790_000_000_000_000_000
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["act", "sub"]), inner, max_size=2),
    max_leaves=8,
)


def traits(**claims: Any) -> TokenTraits:
    issuer = FakeIssuer(tenant="acme")
    verifier = SubjectVerifier(
        TokenMemory(IssuerBook([issuer.config()])), DpopVerifier(DpopSettings(), MemoryReplay(0, 10))
    )
    token = issuer.token(NOW_NS, **claims)
    pep = PepIdentity(pep_id="web", tenant="acme")
    found = verifier.verify(pep, Subject("user", "alice"), PresentedSubject(token=token), NOW_NS).token
    assert found is not None
    return found


def test_a_verified_token_tells_how_it_is_made() -> None:
    found = traits(jti="j-1", act={"sub": "gateway", "act": {"sub": "agent"}})
    assert (found.token_id, found.delegation_depth) == ("j-1", 2)
    assert found.algorithm
    assert found.key_id
    assert found.issued_ns is not None
    assert found.expires_ns is not None
    assert found.expires_ns > found.issued_ns


def test_another_shape_is_another_digest_and_other_values_are_not() -> None:
    assert traits(jti="a").shape == traits(jti="b").shape
    assert traits(jti="a").shape != traits(jti="a", surprise=1).shape


def test_a_token_without_a_name_is_called_by_its_digest() -> None:
    first, second = traits_of({}, {}, b"one"), traits_of({}, {}, b"two")
    assert first.token_id.startswith("digest-")
    assert first.token_id != second.token_id
    assert first.token_id == traits_of({}, {}, b"one").token_id


_members = st.sampled_from(["iat", "exp", "jti", "aud", "act", "alg", "kid", "x"])


@given(st.dictionaries(_members, _json, max_size=8), st.dictionaries(_members, _json, max_size=8))
def test_nothing_in_a_token_breaks_the_reading(header: dict[str, Any], claims: dict[str, Any]) -> None:
    found = traits_of(header, claims, b"signed")
    assert found.token_id
    assert 0 <= found.delegation_depth <= 16
    assert len(found.shape) == 12
