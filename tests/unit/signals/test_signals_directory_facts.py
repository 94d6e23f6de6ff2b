"""What catalogue file and offline tables add: the facts of an account, the owner, the place, the kind of network."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.signals.enrichment import Enricher
from ostiary.signals.inventory import Catalogue, ResourceEntry, SubjectEntry
from ostiary.signals.places import Places
from ostiary.signals.standing import Standing
from ostiary.signals.whereabouts import facts_of
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import AccountFacts, DataFacts, NetworkKind, PlaceFacts

NS = 10**9
NEW_YEAR_NS = 1_767_225_600 * NS  # 2026-01-01
BARE = AccessEvent("1", "default", NEW_YEAR_NS + 86_400 * NS, "ann", "read", "database", "prod/x")


def enricher(properties: dict[str, Any], **resource: Any) -> Enricher:
    subject = SubjectEntry("user", "ann", properties=properties)
    return Enricher(Catalogue((ResourceEntry("database", "prod/*", properties=resource),), (subject,)))


def with_(**change: Any) -> AccessEvent:
    fields = {name: getattr(BARE, name) for name in BARE.__struct_fields__}
    return AccessEvent(**(fields | change))


def test_the_catalogue_tells_of_the_account_at_the_moment_of_the_access() -> None:
    found = enricher({"created": "2026-01-01T00:00:00Z", "privileged": True, "department": "payments"}).enrich(BARE)
    assert found.account == AccountFacts(age_s=86_400.0, privileged=True, department="payments")


def test_what_the_event_tells_wins_and_the_rest_is_filled() -> None:
    told = with_(account=AccountFacts(privileged=False, ticket=True))
    found = enricher({"privileged": True, "leaving": True}).enrich(told)
    assert found.account == AccountFacts(privileged=False, ticket=True, leaving=True)


def test_a_catalogue_that_tells_nothing_of_it_adds_nothing() -> None:
    found = enricher({"site": "London"}).enrich(BARE)
    assert (found.account, found.data, found.place) == (None, None, None)


def test_the_owner_comes_from_the_catalogue_where_the_event_names_none() -> None:
    assert enricher({}, owner="databases").enrich(BARE).data == DataFacts(owner="databases")
    named = with_(data=DataFacts(columns=3, owner="payments"))
    assert enricher({}, owner="databases").enrich(named).data == named.data


@pytest.mark.parametrize(
    ("ip", "asn", "kind"),
    [
        ("10.1.2.3", None, NetworkKind.PRIVATE),
        ("127.0.0.1", None, NetworkKind.PRIVATE),
        ("8.8.8.8", 14_061, NetworkKind.HOSTING),
        ("8.8.8.8", 15_169, None),
        ("nonsense", None, None),
        (None, 14_061, NetworkKind.HOSTING),
    ],
)
def test_the_kind_of_network_is_told_where_offline_tables_tell(
    ip: str | None, asn: int | None, kind: NetworkKind | None
) -> None:
    place = Enricher().enrich(with_(ip=ip, asn=asn)).place
    assert (place.kind if place else None) == kind


def test_coordinates_that_are_told_are_not_mixed_with_looked_up_ones() -> None:
    told = PlaceFacts(latitude=1.0, longitude=2.0, kind=NetworkKind.VPN)
    assert Enricher().enrich(with_(ip="10.0.0.1", place=told)).place == told
    gap = PlaceFacts(ja4="t13d")
    assert Enricher().enrich(with_(ip="10.0.0.1", place=gap)).place == PlaceFacts(ja4="t13d", kind=NetworkKind.PRIVATE)


def test_records_complete_each_other_and_half_a_point_is_none() -> None:
    city = {
        "country": {"iso_code": "NZ"},
        "subdivisions": [{"iso_code": "WGN"}],
        "city": {"names": {"en": "Wellington"}},
        "location": {"latitude": -41.3, "longitude": 174.8, "accuracy_radius": 20},
    }
    found = facts_of([city, {"is_anonymous_vpn": True, "is_hosting_provider": True}])
    assert found == PlaceFacts("NZ-WGN", "Wellington", -41.3, 174.8, 20.0, NetworkKind.VPN)
    assert facts_of([{"location": {"latitude": 1.0, "accuracy_radius": 5}}]) is None
    assert facts_of([{"traits": {"user_type": "cellular"}}]) == PlaceFacts(kind=NetworkKind.MOBILE)


def test_the_registries_tell_a_country_and_nothing_nearer(tmp_path: Path) -> None:
    assert not list(tmp_path.iterdir())
    assert Places().facts("8.8.8.8") is None
    assert Places().of("8.8.8.8").country == "US"


_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)
_names = st.sampled_from(["created", "privileged", "department", "manager", "confirmed_alerts", "role_changed"])


@given(st.dictionaries(_names, _values))
def test_no_property_breaks_the_reading(properties: dict[str, Any]) -> None:
    facts = Standing.of(properties).at(NEW_YEAR_NS, None)
    assert facts is None or (facts.age_s or 0.0) >= 0.0
