"""Model versions that must not be used: a durable list, asked whenever a model loads.

>>> from ostiary.testing.memory_cards import MemoryCards
>>> blocks = ModelBlocks(MemoryCards())
>>> blocks.block("acme", "sha256:aa", "tampered", 1), blocks.is_blocked("acme", "sha256:aa")
(True, True)
"""

from typing import Final

import msgspec

from ostiary.response.ports import Card, Cards

DRAWER: Final = "block"
BLOCKED: Final = "blocked"
FREE: Final = "free"


class Block(msgspec.Struct, frozen=True):
    """One blocked model version."""

    tenant: str
    model: str
    reason: str
    at_ns: int


class ModelBlocks:
    """Blocked model versions by tenant and digest."""

    def __init__(self, cards: Cards) -> None:
        """Keep them in ``cards``."""
        self._cards = cards

    def is_blocked(self, tenant: str, model: str) -> bool:
        """Return whether a tenant must not use this model."""
        card = self._cards.find(tenant, DRAWER, model)
        return card is not None and card.state == BLOCKED

    def is_blocked_by(self, tenant: str, model: str, reason: str, at_ns: int) -> bool:
        """Return whether a model is blocked by the very block of this reason and moment."""
        card = self._cards.find(tenant, DRAWER, model)
        own = Block(tenant, model, reason, at_ns)
        return card is not None and card.state == BLOCKED and msgspec.json.decode(card.data, type=Block) == own

    def block(self, tenant: str, model: str, reason: str, at_ns: int) -> bool:
        """Block one; return false when it was blocked already."""
        data = msgspec.json.encode(Block(tenant, model, reason, at_ns))
        wanted = Card(tenant, DRAWER, model, BLOCKED, data, made_ns=at_ns)
        card = self._cards.find(tenant, DRAWER, model)
        if card is None:
            return self._cards.add([wanted])
        return card.state != BLOCKED and self._cards.replace(card, wanted) is not None

    def free(self, tenant: str, model: str) -> bool:
        """Let a model be used again; return false when it was not blocked."""
        card = self._cards.find(tenant, DRAWER, model)
        if card is None or card.state != BLOCKED:
            return False
        return self._cards.replace(card, msgspec.structs.replace(card, state=FREE)) is not None

    def of_tenant(self, tenant: str) -> list[Block]:
        """Return a tenant's blocked models, newest first."""
        found = self._cards.listed(tenant, DRAWER, (BLOCKED,), 1000)
        return [msgspec.json.decode(card.data, type=Block) for card in found]
