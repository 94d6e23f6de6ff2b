"""Access events, their adapters, enrichment, profiles and the signal catalogue.

The way of an event: an adapter normalises it, the ``Enricher`` adds what can be looked up offline, the ``ProfileBook``
tells its history in one read, ``features.extract`` turns both into numbers, and later the book learns it in one write.
No learned model and no numpy here: this is the deterministic path (HOUSE §2).
"""

from ostiary.signals import compiled, features  # `compiled` comes first: it says where the others are looked for
from ostiary.signals.book import ProfileBook
from ostiary.signals.enrichment import Enricher
from ostiary.signals.features import describe
from ostiary.signals.history import History
from ostiary.signals.inventory import Catalogue
from ostiary.signals.replay import replay

__all__ = ["Catalogue", "Enricher", "History", "ProfileBook", "compiled", "describe", "features", "replay"]
