"""Access events, their adapters, enrichment, profiles and the signal catalogue.

The way of an event: an adapter normalises it, the ``Enricher`` adds what can be looked up offline, the ``ProfileBook``
tells its history in one read, ``features.extract`` turns both into numbers, and later the book learns it in one write.
No learned model and no numpy here: this is the deterministic path (HOUSE §2).

Each is imported from its own module: all of them together take a tenth of a second, and many need one small part.
"""

from ostiary.signals import compiled  # it comes first: it says where the others are looked for

__all__ = ["compiled"]
