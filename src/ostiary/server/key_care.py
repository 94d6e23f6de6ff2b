"""Keys as people look after them: which sign, since when; the next one; and destroying those of conversations.

One way for the API, the console and the command line: where the tenant has people they agree to whatever is done, and
the log tells of it.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ostiary.audit.settings import LOG_PURPOSE, SYSTEM_TENANT
from ostiary.errors import RefusedError
from ostiary.keys import EDDSA, KeyRing
from ostiary.server.consented import may_change_keys, may_erase
from ostiary.server.deeds import record_about, record_deed
from ostiary.server.wiring import House

_DAY_S: Final = 86_400


class KeyKept(msgspec.Struct, frozen=True):
    """One signing key, public part; ``state`` is ``active``, ``overlap`` or ``retired``."""

    kid: str
    purpose: str
    alg: str
    state: str
    created_ns: int


class Next(msgspec.Struct, frozen=True):
    """Which key comes next: for how many days the old one still signs, and what people agreed to."""

    purpose: str
    alg: str = ""
    overlap_days: int = 0
    proposal: str = ""


class ConversationKeys(msgspec.Struct, frozen=True):
    """The keys of one user's conversations.

    Attributes:
        epochs: those that have a data key, in order; older ones wait for messages to be brought over.
        floor: the first epoch that may have one: what is older was destroyed.
        conversations: how many there are.
    """

    epochs: tuple[int, ...]
    floor: int
    conversations: int


def signing_keys(ring: KeyRing, tenant: str, now_ns: int) -> Iterator[KeyKept]:
    """Yield a tenant's signing keys by purpose, the oldest first; the log's belong to the tenant ``system``."""
    for purpose in ring.purposes(tenant):
        for entry in ring.entries(tenant, purpose):
            yield KeyKept(entry.kid, purpose, entry.alg, _state(entry.signs_until_ns, now_ns), entry.created_ns)


def alg_of(ring: KeyRing, tenant: str, purpose: str) -> str:
    """Return the algorithm of the newest key that signs: a key of another one would not take its place."""
    signing = [entry.alg for entry in ring.entries(tenant, purpose) if entry.signs_until_ns is None]
    return signing[-1] if signing else EDDSA


def rotate(house: House, who: str, tenant: str, wanted: Next) -> str:
    """Make the next signing key of a purpose and return its id; the old one goes on verifying.

    Raises:
        RefusedError: ``key_unknown``, ``approval_…``.
        UnavailableError: it cannot be recorded, and did not happen.
    """
    purpose, overlap_days = wanted.purpose, wanted.overlap_days
    if purpose != LOG_PURPOSE and purpose not in house.ring.purposes(tenant):
        raise RefusedError("key_unknown", "there is no key for this purpose")
    bound = {"alg": wanted.alg, "overlap_days": str(overlap_days), "user": "", "wrapping": "false"}
    consent = may_change_keys(house, who, tenant, purpose, wanted.proposal, **bound)
    record_deed(house, who, tenant, "keys.rotate", purpose=purpose, overlap_days=overlap_days, **consent.told)
    if purpose == LOG_PURPOSE:
        return str(house.log.rotate_key().vkey())
    alg = wanted.alg or alg_of(house.ring, tenant, purpose)
    return house.ring.rotate(tenant, purpose, alg, overlap_s=overlap_days * _DAY_S).kid


def conversation_keys(house: House, tenant: str, subject: str) -> ConversationKeys:
    """Return how the keys of a user's conversations stand; of one who has none, nothing at all."""
    keys = house.conversations.parts.keys
    owner = keys.owner(tenant, subject)
    count = house.conversations.count(tenant, subject)
    return ConversationKeys(tuple(keys.epochs(tenant, owner)), keys.floor(tenant, owner), count)


def shred(house: House, who: str, tenant: str, subject: str, reason: str, proposal: str = "") -> int:
    """Destroy the keys of all conversations of a user, for ever; return how many are gone by it.

    Raises:
        FaultyInputError: ``reason_missing``, ``reason_too_long``.
        RefusedError: ``approval_…``.
        UnavailableError: it cannot be recorded, and did not happen.
    """
    bound = {"only": "conversations", "conversation": ""}
    consent = may_erase(house, who, tenant, subject, reason, proposal, **bound)
    told: dict[str, Any] = {"subject": subject, "reason": reason, **consent.told}
    deed = record_about(subject, house, who, tenant, "conversation_keys.shred", told)
    return house.conversations.forget(tenant, subject, deed)


def log_keys(ring: KeyRing, now_ns: int) -> Iterator[KeyKept]:
    """Yield the keys that sign the log, for all tenants alike."""
    return (one for one in signing_keys(ring, SYSTEM_TENANT, now_ns) if one.purpose == LOG_PURPOSE)


def _state(signs_until_ns: int | None, now_ns: int) -> str:
    if signs_until_ns is None:
        return "active"
    return "overlap" if signs_until_ns > now_ns else "retired"
