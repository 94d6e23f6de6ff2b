"""A decision of a tenant, by its id."""

import msgspec

from ostiary.audit.pending import StoredRecord
from ostiary.errors import RefusedError
from ostiary.server.wiring import House
from ostiary.vocabulary.verdicts import DecisionRecord

_decode = msgspec.json.Decoder(DecisionRecord).decode


def find_decision(house: House, tenant: str, decision_id: str) -> tuple[StoredRecord, DecisionRecord]:
    """Return a decision as it is kept, and decoded.

    Raises:
        RefusedError: ``decision_unknown``, the same for another tenant's, for an erased one and for another record.
    """
    stored = house.log.get(tenant, decision_id)
    if stored is None or stored.kind != "decision" or stored.payload is None:
        raise RefusedError("decision_unknown", "there is no such decision, or it was erased")
    return stored, _decode(stored.payload)
