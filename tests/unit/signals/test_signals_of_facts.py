"""What single signals of the fact groups say: each attack in a few events, each common false alarm beside it."""

from math import expm1, isnan
from typing import Any, Final

import msgspec
import pytest

from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome
from ostiary.vocabulary.facts import (
    AccountFacts,
    BehaviourFacts,
    DataFacts,
    LanguageFacts,
    NetworkKind,
    PlaceFacts,
    PostureFacts,
    TokenFacts,
    WorkloadFacts,
)

NS: Final = 10**9
START_S: Final = 1_772_438_400
BASE: Final = AccessEvent(
    "e", "default", START_S * NS, "ann", "read", "database", "orders", device_id="d", ip="8.8.8.8"
)
LONDON: Final = PlaceFacts(latitude=51.5, longitude=-0.1, kind=NetworkKind.RESIDENTIAL)
SYDNEY: Final = PlaceFacts(latitude=-33.9, longitude=151.2, kind=NetworkKind.RESIDENTIAL)


class Life:
    """One tenant's profiles, lived through event by event."""

    def __init__(self) -> None:
        self.book = ProfileBook("default")
        self.now_s = START_S

    def event(self, after_s: int = 60, **change: Any) -> AccessEvent:
        self.now_s += after_s
        return msgspec.structs.replace(BASE, **({"time_ns": self.now_s * NS} | change))

    def learn(self, after_s: int = 60, **change: Any) -> None:
        self.book.learn(self.event(after_s, **change))

    def look(self, after_s: int = 60, **change: Any) -> dict[str, float]:
        event = self.event(after_s, **change)
        return dict(zip(features.NAMES, features.extract(event, self.book.view(event)), strict=True))


@pytest.mark.parametrize(
    ("change", "impossible"),
    [
        ({"device_id": "other"}, 1.0),
        ({"device_id": "d"}, 0.0),
        ({"device_id": "other", "place": msgspec.structs.replace(SYDNEY, kind=NetworkKind.VPN)}, 0.0),
        ({"device_id": "other", "place": msgspec.structs.replace(SYDNEY, kind=NetworkKind.HOSTING)}, 0.0),
        ({"device_id": "other", "after_s": 48 * 3_600}, 0.0),
        ({"device_id": "other", "place": msgspec.structs.replace(LONDON, latitude=53.5)}, 0.0),
        (
            {"device_id": "other", "place": msgspec.structs.replace(SYDNEY, radius_km=2_000.0), "after_s": 15 * 3_600},
            0.0,
        ),
    ],
)
def test_a_journey_is_impossible_only_when_no_common_reason_explains_it(
    change: dict[str, Any], impossible: float
) -> None:
    life = Life()
    life.learn(place=LONDON)
    later: dict[str, Any] = {"place": SYDNEY, "after_s": 3_600, **change}
    found = life.look(**later)
    assert found["journey_impossible"] == impossible


def test_without_kind_or_device_a_fast_journey_is_not_called_possible() -> None:
    life = Life()
    life.learn(place=LONDON)
    near = msgspec.structs.replace(LONDON, kind=None)
    assert isnan(life.look(place=near)["journey_impossible"])
    assert expm1(life.look(place=SYDNEY, device_id=None)["journey_distance"]) > 16_000


def test_a_place_often_visited_becomes_home_and_an_anonymous_exit_does_not() -> None:
    life = Life()
    for _ in range(5):
        life.learn(place=LONDON)
    life.learn(place=msgspec.structs.replace(SYDNEY, kind=NetworkKind.VPN))
    assert life.look(place=LONDON)["journey_from_home"] < 0.1
    assert expm1(life.look(place=SYDNEY)["journey_from_home"]) > 16_000


def test_a_token_that_moves_shows_network_and_device() -> None:
    life = Life()
    mine = TokenFacts(token_id="jti-1")
    assert life.look(token=mine)["token_first_use"] == 1.0
    life.learn(token=mine)
    assert life.look(token=mine)["token_network_moved"] == 0.0
    copied = life.look(token=mine, ip="9.9.9.9", device_id="thief")
    assert (copied["token_network_moved"], copied["token_device_moved"]) == (1.0, 1.0)
    life.learn(token=TokenFacts(token_id="jti-2"))
    assert life.look(token=mine)["tokens_live"] == 1.0


def test_a_token_is_held_against_the_usual_ones() -> None:
    life = Life()
    for _ in range(6):
        life.learn(token=TokenFacts(lifetime_s=600.0, bound=True, scopes_granted=2))
    odd = life.look(
        token=TokenFacts(age_s=90_000.0, lifetime_s=86_400.0, bound=False, scopes_granted=40, scopes_used=1)
    )
    assert odd["token_lifetime_unusual"] > 3
    assert odd["token_scopes_unusual"] > 3
    assert (odd["token_unbound"], odd["token_binding_dropped"], odd["token_expired"]) == (1.0, 1.0, 1.0)
    assert round(expm1(odd["token_scopes_unused"])) == 39


def test_a_device_that_gets_worse_in_a_session_shows() -> None:
    life = Life()
    good = PostureFacts(disk_encrypted=True, edr_alive=True, rooted=False)
    life.learn(session_id="s", posture=good)
    assert life.look(session_id="s", posture=good)["posture_changed"] == 0.0
    bad = life.look(session_id="s", posture=PostureFacts(disk_encrypted=True, edr_alive=False, rooted=True))
    assert (bad["posture_changed"], bad["posture_worsened"], bad["posture_faults"]) == (1.0, 2.0, 2.0)
    assert isnan(life.look(session_id="s", posture=PostureFacts(patch_age_s=5.0))["posture_faults"])


def test_prompting_until_somebody_gives_in_and_then_a_weaker_factor() -> None:
    life = Life()
    for _ in range(4):
        life.learn(86_400, action_class=ActionClass.AUTHENTICATE, auth_method="webauthn", mfa=True)
    for _ in range(5):
        life.learn(20, action_class=ActionClass.AUTHENTICATE, outcome=EventOutcome.DENIED, auth_method="push", mfa=True)
    found = life.look(20, auth_method="sms", mfa=True)
    assert expm1(found["factor_refused_10m"]) > 4
    assert expm1(found["refused_10m"]) > 4
    assert found["factor_downgrade"] > 1.5
    life.learn(20, action_class=ActionClass.AUTHENTICATE, outcome=EventOutcome.SUCCESS, auth_method="sms", mfa=True)
    assert expm1(life.look(60, auth_method="sms", mfa=True)["login_after_failures"]) > 4
    assert life.look(7_200, auth_method="webauthn")["factor_refused_10m"] < 0.05


def test_an_order_of_actions_never_seen_is_surprising() -> None:
    life = Life()
    for _ in range(20):
        life.learn(action="list")
        life.learn(action="get")
    usual, odd = life.look(action="list"), life.look(action="purge")
    assert usual["next_action_surprise"] < 0.5
    assert odd["next_action_surprise"] > 2.0
    for number in range(10):
        life.learn(action=f"odd-{number}")
    assert life.look(action="odd-11")["next_action_strange"] > 1.0


def test_error_codes_of_many_kinds_are_counted_once_each_and_for_an_hour() -> None:
    life = Life()
    for code in ("denied", "missing", "denied", "timeout"):
        life.learn(outcome=EventOutcome.FAILURE, detail=code)
    assert round(expm1(life.look()["error_codes_1h"])) == 3
    assert life.look(7_200)["error_codes_1h"] == 0.0


def test_a_day_is_held_against_the_usual_days_of_subject_and_peers() -> None:
    life = Life()
    for _ in range(5):
        life.learn(86_400 - 240, count=10.0)
        for _ in range(4):
            life.learn(count=10.0)
    for number in range(60):
        life.learn(30, resource_id=f"r{number}", count=1_000.0)
    found = life.look()
    assert found["day_events_unusual"] > 2
    assert found["day_amount_unusual"] > 2
    assert isnan(found["day_events_peers"]), "five days are too few to speak of a group"


def test_what_is_asked_for_and_whose_it_is() -> None:
    life = Life()
    for _ in range(5):
        life.learn(data=DataFacts(columns=3, personal_columns=0))
    asked = DataFacts(columns=40, personal_columns=20, owner="payments", production=True)
    found = life.look(data=asked, groups=("support",))
    assert found["columns_unusual"] > 3
    assert found["columns_personal_share"] == 0.5
    assert (found["data_foreign"], found["data_production"]) == (1.0, 1.0)
    ours = life.look(data=asked, groups=("support",), account=AccountFacts(department="payments"))
    assert ours["data_foreign"] == 0.0
    assert isnan(life.look(data=asked)["data_foreign"])


@pytest.mark.parametrize(
    ("family", "system", "kind", "impossible", "program"),
    [
        ("Safari", "Windows", "user", 1.0, 0.0),
        ("Safari", "Mac OS X", "user", 0.0, 0.0),
        ("Firefox", "Linux", "user", 0.0, 0.0),
        ("curl", "Other", "user", 0.0, 1.0),
        ("curl", "Other", "service", 0.0, 0.0),
    ],
)
def test_a_client_has_to_fit_its_system(family: str, system: str, kind: str, impossible: float, program: float) -> None:
    found = Life().look(ua_family=family, ua_os=system, subject_type=kind)
    assert (found["agent_impossible"], found["agent_program"]) == (impossible, program)


def test_a_fingerprint_that_others_never_have_with_this_client_is_a_mismatch() -> None:
    life = Life()
    for _ in range(30):
        life.learn(ua_family="Firefox", place=PlaceFacts(ja4="t13d-firefox"))
    fits = life.look(ua_family="Firefox", place=PlaceFacts(ja4="t13d-firefox"))
    lies = life.look(ua_family="Chrome", place=PlaceFacts(ja4="t13d-firefox"))
    assert fits["ja4_mismatch"] < 0.1
    assert lies["ja4_mismatch"] > 3.0
    assert isnan(life.look(ua_family="Chrome", place=PlaceFacts(ja4="never-seen"))["ja4_mismatch"])


def test_a_pipeline_and_a_conversation_say_what_is_wrong_with_them() -> None:
    life = Life()
    bad = life.look(
        workload=WorkloadFacts(ci_verified=True, commit_approved=False, egress="evil.example"),
        language=LanguageFacts(injection_score=0.9, tainted=True, retrieved_sensitivity=4),
    )
    assert (bad["ci_unverified"], bad["commit_unapproved"], bad["proofs_lacking"]) == (0.0, 1.0, 2.0)
    assert isnan(bad["runner_unattested"])
    assert (bad["injection_score"], bad["tainted"], bad["retrieved_sensitivity"]) == (0.9, 1.0, 4.0)
    assert bad["egress_new"] == 1.0


def test_hands_count_as_much_as_they_are_known() -> None:
    life = Life()
    sure = life.look(behaviour=BehaviourFacts(llr=4.0, confidence=1.0, liveness=0.2))
    unsure = life.look(behaviour=BehaviourFacts(llr=4.0, confidence=0.25))
    assert (sure["behaviour_weighed"], unsure["behaviour_weighed"]) == (4.0, 1.0)
    assert sure["behaviour_replayed"] == pytest.approx(0.8)
    assert isnan(unsure["behaviour_replayed"])
