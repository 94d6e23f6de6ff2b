from ostiary.decision.moments import CatalogueDirectory, ProfiledSignals
from ostiary.signals import features
from ostiary.signals.book import ProfileBook
from ostiary.signals.enrichment import Enricher
from ostiary.signals.inventory import Catalogue
from ostiary.vocabulary.events import AccessEvent

CATALOGUE = Catalogue.parse(b"""
resources:
  - {type: database, id: prod-customers, sensitivity: 3, critical: true, labels: [production]}
subjects:
  - {type: user, id: dana, groups: [developers], tz_offset_min: 60, properties: {team: payments}}
actions: [query]
""")


class OneTenant:
    """Knowledge of one tenant; every other tenant knows nothing."""

    def __init__(self):
        self.books = {}
        self.enrichers = {"default": Enricher(CATALOGUE, trusted=("10.0.0.0/8",))}

    def enricher(self, tenant):
        return self.enrichers.setdefault(tenant, Enricher())

    def book(self, tenant):
        return self.books.setdefault(tenant, ProfileBook(tenant))


def event(number=1, tenant="default", **more):
    hour = 3_600_000_000_000
    return AccessEvent(
        f"e{number}", tenant, 496_000 * hour + number, "dana", "query", "database", "prod-customers", **more
    )


def test_a_moment_is_enriched_and_has_every_feature():
    moment = ProfiledSignals(OneTenant()).read(event(ip="10.1.2.3"))
    assert (moment.event.sensitivity, moment.event.groups) == (3, ("developers",))
    assert len(moment.features) == len(features.NAMES)
    assert moment.feature_set == features.SET_DIGEST
    assert (moment.network_trusted, moment.local_hour) == (True, 17)


def test_reading_learns_nothing():
    knowledge = OneTenant()
    signals = ProfiledSignals(knowledge)
    first = signals.read(event(1))
    assert repr(signals.read(event(1)).features) == repr(first.features)
    assert len(knowledge.book("default")) == 0


def test_every_feature_can_be_put_in_words():
    knowledge = OneTenant()
    signals = ProfiledSignals(knowledge)
    knowledge.book("default").learn(signals.read(event(1)).event)
    moment = signals.read(event(2))
    assert all(signals.words(moment, name) for name in features.NAMES)
    assert signals.words(moment, "no_such_signal") == ""


def test_another_tenant_knows_nothing_of_it():
    directory = CatalogueDirectory(OneTenant())
    assert directory.resource("default", "database", "prod-customers").critical
    assert not directory.resource("other", "database", "prod-customers").known
    assert directory.subject("default", "user", "dana").attributes == {"team": "payments"}
    assert not directory.subject("other", "user", "dana").known
    assert list(directory.subjects("default", "user")) == ["dana"]
    assert list(directory.resources("default", "database")) == ["prod-customers"]
    assert list(directory.actions("default")) == ["query"]
