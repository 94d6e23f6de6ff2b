"""What a context may tell of place, posture and more; what it may not tell; and what nobody can break with it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.decision.event import event_of
from ostiary.decision.parts import Known
from ostiary.decision.ports import ResourceFacts, SubjectFacts
from ostiary.identity._seal import SEAL
from ostiary.identity.types import TokenTraits, VerifiedIdentity
from ostiary.sessions import Asked
from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.testing.organisation import Organisation, request_of
from ostiary.vocabulary.entities import Action, EvaluationRequest, Receipt, Resource, Subject
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import NetworkKind, PlaceFacts

NOW_NS = 1_790_000_000_000_000_000
TRAITS = TokenTraits(
    token_id="jti-1",
    issued_ns=NOW_NS - 60 * 10**9,
    expires_ns=NOW_NS + 540 * 10**9,
    audience="ostiary",
    algorithm="ES256",
    key_id="k1",
    shape="abc",
    delegation_depth=1,
)
GROUPS = ("token", "place", "posture", "account", "data", "workload", "language", "behaviour")


def event(context: dict[str, Any], token: TokenTraits | None = None) -> AccessEvent:
    identity = VerifiedIdentity(
        seal=SEAL,
        tenant="default",
        subject_type="user",
        subject_id="ann",
        assurance="token" if token else "asserted",
        scopes=("read", "write"),
        proof="dpop" if token else "none",
        token=token,
    )
    request = EvaluationRequest(Subject("user", "ann"), Action("read"), Resource("database", "x"), context)
    known = Known(SubjectFacts(), ResourceFacts(), Asked("default", (), "user:alice", NOW_NS))
    return event_of(Receipt("1", NOW_NS, None), request, identity, known)


def test_a_context_tells_place_posture_and_the_rest() -> None:
    told = event(
        {
            "place": {"city": "Wellington", "latitude": -41, "kind": "vpn", "unknown": 1},
            "posture": {"rooted": False, "patch_age_s": 60},
            "data": {"columns": 4, "owner": "payments"},
            "language": {"tainted": True},
            "behaviour": {"llr": -2.5},
            "workload": {"image": "sha256:1"},
            "ticket": True,
        }
    )
    assert told.place == PlaceFacts(city="Wellington", latitude=-41.0, kind=NetworkKind.VPN)
    assert told.posture is not None
    assert (told.posture.rooted, told.posture.patch_age_s) == (False, 60.0)
    assert told.data is not None
    assert (told.data.columns, told.data.owner) == (4, "payments")
    assert told.language is not None
    assert told.behaviour is not None
    assert told.workload is not None
    assert told.account is not None
    assert told.account.ticket is True


@pytest.mark.parametrize(
    ("group", "told"),
    [
        ("place", {"latitude": "51", "kind": "spaceship", "city": "", "radius_km": True}),
        ("posture", {"rooted": 1, "patch_age_s": "old"}),
        ("data", {"columns": -1, "personal_columns": 2.5}),
        ("language", {"prompts_1m": None, "tool": ["x"]}),
        ("behaviour", "live"),
        ("workload", [True]),
    ],
)
def test_a_member_of_the_wrong_type_is_not_told(group: str, told: object) -> None:
    assert getattr(event({group: told}), group) is None


def test_of_a_verified_token_the_caller_may_not_tell() -> None:
    lie = {"age_s": 1.0, "bound": False, "token_id": "other", "delegation_depth": 0, "scopes_used": 1}
    told = event({"token": lie}, TRAITS).token
    assert told is not None
    assert (told.age_s, told.lifetime_s, told.bound, told.token_id) == (60.0, 600.0, True, "jti-1")
    assert (told.delegation_depth, told.scopes_granted, told.scopes_used) == (1, 2, 1)
    asserted = event({"token": lie}).token
    assert asserted is not None
    assert asserted.token_id == "other"


def test_nobody_but_the_directory_tells_of_the_account() -> None:
    assert event({"account": {"privileged": False, "age_s": 1e9}}).account is None


def test_a_simulated_request_tells_what_the_simulated_event_tells() -> None:
    history = Organisation(people=12, days=2).history()
    for known in history[:40]:
        told = event(request_of(known)["context"])
        assert (told.place, told.posture, told.data) == (known.place, known.posture, known.data)
        assert (told.language, told.workload, told.behaviour) == (known.language, known.workload, known.behaviour)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=600),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list("ab")), inner, max_size=3),
    max_leaves=6,
)
_members = st.sampled_from(
    ["age_s", "kind", "latitude", "city", "columns", "rooted", "image", "tool", "llr", "token_id", "tainted", "ja4"]
)


@given(st.dictionaries(st.sampled_from(GROUPS), st.dictionaries(_members, _json, max_size=6) | _json, max_size=8))
def test_whatever_a_caller_says_is_an_event_that_can_be_scored_and_written(context: dict[str, Any]) -> None:
    made = event(context)
    row = features.extract(made, ProfileBook("default").view(made))
    assert len(row) == len(features.NAMES)
    again = msgspec.json.decode(msgspec.json.encode(made), type=AccessEvent)
    assert again.time_ns == made.time_ns
