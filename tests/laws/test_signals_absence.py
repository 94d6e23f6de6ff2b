"""Absent never reads as safe: what is not told is NaN with its flag up, or no less risky than what was told."""

import math
from typing import Any, Final

import msgspec
import pytest

from ostiary.signals import features
from ostiary.signals.absence import FIELDS, GROUPS, MEMBERS, flag_of
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import FEATURES, INDEX, NAMES
from ostiary.signals.signal import MISSING
from ostiary.vocabulary.events import AccessEvent, EventOutcome

NS: Final = 10**9
START_S: Final = 1_772_438_400  # Monday, 2026-03-02T08:00:00Z
SAFE: Final = msgspec.convert({
    "event_id": "e", "tenant": "default", "time_ns": START_S * NS, "subject_id": "ann", "action": "read",
    "resource_type": "database", "resource_id": "prod/customers", "action_class": "read", "outcome": "success",
    "detail": "ok",
    "sensitivity": 1, "session_id": "s", "client_id": "app", "issuer": "https://id.example.org",
    "auth_method": "webauthn", "mfa": True, "auth_age_s": 5.0, "ip": "8.8.8.8", "country": "US", "asn": 15169,
    "device_id": "d", "device_managed": True, "ua_family": "Firefox", "ua_os": "Linux", "tz_offset_min": 0,
    "count": 1.0, "bytes": 10, "groups": ["team"], "labels": ["internal"],
    "token": {
        "age_s": 10.0, "lifetime_s": 600.0, "bound": True, "token_id": "jti-1", "audience": "api", "algorithm": "ES256",
        "key_id": "k1", "claims": "shape", "scopes_granted": 2, "scopes_used": 2, "delegation_depth": 0,
        "clock_skew_s": 0.0,
    },
    "place": {
        "region": "GB-ENG", "city": "London", "latitude": 51.5, "longitude": -0.1, "radius_km": 5.0,
        "kind": "residential", "reputation": 0.0, "ja4": "t13d", "language": "en-GB", "rtt_ms": 12.0,
    },
    "posture": {
        "attested": True, "attestation_age_s": 60.0, "report_age_s": 60.0, "patch_age_s": 86_400.0,
        "disk_encrypted": True, "edr_alive": True, "firewall": True, "screen_lock": True, "secure_boot": True,
        "rooted": False,
    },
    "account": {
        "age_s": 9e7, "role_changed_s": 9e7, "credential_changed_s": 9e7, "privileged": False, "leaving": False,
        "ticket": True, "break_glass": False, "confirmed_alerts": 0, "false_alerts": 0, "department": "team",
        "manager": "boss",
    },
    "data": {"columns": 3, "personal_columns": 0, "production": False, "owner": "team", "purpose": "support"},
    "workload": {
        "ci_verified": True, "commit_approved": True, "runner_attested": True, "image": "sha256:1",
        "egress": "pypi.org",
    },
    "language": {
        "prompts_1m": 1.0, "injection_score": 0.0, "injection_flags_1h": 0.0, "retrieved_sensitivity": 0,
        "tool": "search", "tokens_in": 10.0, "tokens_out": 20.0, "refused_1h": 0.0, "tainted": False,
    },
    "behaviour": {"llr": -1.0, "confidence": 0.9, "drift": 0.1, "liveness": 0.99},
}, AccessEvent)  # fmt: skip
SOURCES: Final = (*FIELDS, *GROUPS, *(f"{group}.{member}" for group in GROUPS for member in MEMBERS[group]))


def lived(book: ProfileBook) -> ProfileBook:
    """Three weeks of Ann and five colleagues, so that everything that can be known is known."""
    for day in range(21):
        for number in range(3):
            when = (START_S + day * 86_400 + number * 300 - 21 * 86_400) * NS
            for who in ("ann", "bob", "eve", "kim", "max", "zoe"):
                event = msgspec.structs.replace(
                    SAFE, event_id=f"{who}{day}-{number}", subject_id=who, time_ns=when, session_id=f"{who}-{day}"
                )
                book.learn(event)
    failed = msgspec.structs.replace(
        SAFE, time_ns=(START_S - 60) * NS, outcome=EventOutcome.FAILURE, detail="timeout", session_id="s"
    )
    book.learn(failed)
    return book


BOOK: Final = lived(ProfileBook("default"))


def rated(event: AccessEvent) -> list[float]:
    return features.extract(event, BOOK.view(event))


WHOLE: Final = rated(SAFE)


def without(source: str) -> AccessEvent:
    """Return the safe event without one field, one group, or one member of a group."""
    group, dot, member = source.partition(".")
    silent: Any = () if group in {"groups", "labels"} else None
    if dot:
        silent = msgspec.structs.replace(getattr(SAFE, group), **{member: None})
    return msgspec.structs.replace(SAFE, **{group: silent})


def test_where_an_event_tells_everything_nearly_every_feature_has_a_value() -> None:
    silent = {name for name, value in zip(NAMES, WHOLE, strict=True) if math.isnan(value)}
    suspected = {name for name in silent if name.startswith("suspect_")}
    assert silent - suspected == {"gap_unusual"}, "only a pause before a sitting, within one"
    assert suspected <= {"suspect_evidence", "suspect_gain", "suspect_silence"}, "nobody is suspected in this story"
    assert len(NAMES) - len(silent) >= 430


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_not_told_is_flagged_and_never_looks_safer(source: str) -> None:
    lacking = rated(without(source))
    flag = INDEX[flag_of(source)]
    assert lacking[flag] > WHOLE[flag]
    assert WHOLE[flag] == 0.0
    for place, spec in enumerate(FEATURES):
        reads = any(each == source or each.startswith(f"{source}.") for each in spec.sources)
        if not reads or spec.default != MISSING or math.isnan(lacking[place]):
            continue
        risk = spec.monotone * (lacking[place] - WHOLE[place])
        assert risk >= 0, f"`{spec.name}` looks safer once `{source}` is not told"


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_that_is_not_told_is_nan_throughout_and_fully_flagged(group: str) -> None:
    lacking = rated(without(group))
    own = [spec.name for spec in FEATURES if all(each.startswith(f"{group}.") for each in spec.sources)]
    assert len(own) >= 4
    assert all(math.isnan(lacking[INDEX[name]]) for name in own)
    assert lacking[INDEX[f"missing_{group}"]] == 1.0


def test_what_a_stranger_does_not_tell_is_nan() -> None:
    """With nothing known and nothing told, a feature that reads optional fields has nothing to say."""
    nothing = AccessEvent("e", "default", START_S * NS, "nobody", "", "", "")
    row = features.extract(nothing, ProfileBook("default").view(nothing))
    for spec, value in zip(FEATURES, row, strict=True):
        if spec.flags and spec.default == MISSING:
            assert math.isnan(value), spec.name


def test_the_flags_of_quality_are_the_only_ones_that_a_silent_event_raises() -> None:
    nothing = AccessEvent("e", "default", START_S * NS, "nobody", "", "", "")
    row = features.extract(nothing, ProfileBook("default").view(nothing))
    flags = {flag_of(source) for source in (*FIELDS, *GROUPS)}
    assert all(row[INDEX[flag]] == 1.0 for flag in flags)
    assert row[INDEX["missing_total"]] == len(flags)
