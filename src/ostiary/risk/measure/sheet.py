"""The one-page report of a model as data: what it is, how it was measured, what it would do, how far the world moved.

- The card is shown as it was signed; nothing in it is measured again.
- Counts and drift need events, figures need verdicts; what was not asked for is absent, never zero.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.artifacts import VerifiedArtifact
from ostiary.errors import FaultyInputError
from ostiary.risk.measure.evaluate import Report
from ostiary.risk.measure.shadow import Shadow
from ostiary.risk.measure.watching import Drift
from ostiary.risk.schema import CARD_FILE, Scaling, Schema

CAVEAT: Final = (
    "The card's figures rest on impostors injected into real behaviour. They compare models; they promise nothing of "
    "real attacks."
)


class Family(msgspec.Struct, frozen=True):
    """One family of features: how many, how often told at training, its share of the forest's gain."""

    family: str
    features: int
    told: float
    gain: float


class Sheet(msgspec.Struct, frozen=True, omit_defaults=True):
    """The report.

    Attributes:
        digest: of the artefact.
        created_ns, producer, tenant: as signed.
        card: the model card, as signed.
        families: largest gain first.
        features: how many columns the model has.
        scaling: prior, and thresholds of accesses and sessions.
        caveat: what the card's figures rest on.
        shadow: what it would have done to the given events.
        measured: figures by the given verdicts, by session.
        precision_at_budget: share of takeovers among the riskiest sessions that a day's budget has room for.
        drift: features and scores against training.
        notes: what could not be told, and why.
    """

    digest: str
    created_ns: int
    producer: str
    tenant: str
    card: dict[str, Any]
    families: tuple[Family, ...]
    features: int
    scaling: Scaling
    caveat: str = ""
    shadow: Shadow | None = None
    measured: Report | None = None
    precision_at_budget: float | None = None
    drift: Drift | None = None
    notes: tuple[str, ...] = ()


def sheet_of(verified: VerifiedArtifact, schema: Schema, scaling: Scaling) -> Sheet:
    """Return the part of the report that needs no events.

    Raises:
        FaultyInputError: ``card_malformed``.
    """
    card = parse_card(verified.files.get(CARD_FILE, b"{}"))
    return Sheet(
        digest=verified.digest,
        created_ns=verified.predicate.created_ns,
        producer=verified.predicate.producer,
        tenant=verified.predicate.tenant,
        card=card,
        families=families(schema, card.get("gain_by_family") or {}),
        features=len(schema.columns),
        scaling=scaling,
        caveat=CAVEAT,
    )


def parse_card(data: bytes) -> dict[str, Any]:
    """Read ``card.json`` as it is; later models may tell more.

    Raises:
        FaultyInputError: ``card_malformed``.
    """
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise FaultyInputError("card_malformed", f"the model's card cannot be read: {fault}") from fault


def families(schema: Schema, gain: Mapping[str, float]) -> tuple[Family, ...]:
    """Return the families of a schema's columns, largest gain first."""
    told: dict[str, list[float]] = {}
    for column in schema.columns:
        told.setdefault(column.family, []).append(column.told)
    found = [Family(name, len(each), sum(each) / len(each), float(gain.get(name, 0.0))) for name, each in told.items()]
    return tuple(sorted(found, key=lambda one: (-one.gain, one.family)))
