"""One round to all witnesses of the log in a data directory: what a server does every minute."""

from pathlib import Path

from ostiary.audit.ports import AuditStore
from ostiary.audit.witness.courier import Courier, Delivery
from ostiary.audit.witness.peers import read_peers


def cosign_now(data: Path, store: AuditStore) -> Delivery | None:
    """Take the newest checkpoint to every witness; ``None`` when the log has none.

    Raises:
        VerificationError: ``log_rolled_back`` or ``log_rewritten`` when a witness remembers another history.
        FaultyInputError: ``witnesses_malformed``.
    """
    peers = read_peers(data)
    if not peers:
        return None
    courier = Courier(store, peers)
    try:
        return courier.deliver()
    finally:
        courier.close()
