"""What a worker fetches and brings beside the answers: keys of issuers, checkpoints to witnesses."""

from functools import partial
from typing import Any, Final

from ostiary.server.chores import Chore
from ostiary.server.wiring import House

COSIGN_S: Final = 60.0


def upkeep_chores(house: House, log: Any) -> list[Chore]:
    """Return both as chores; what cannot be done is said to ``log``."""
    return [
        Chore("witness_failed", COSIGN_S, partial(cosign, house, log), once=True),
        Chore("jwks_unavailable", house.settings.identity.keys_refresh_s, partial(refresh_keys, house, log)),
    ]


def cosign(house: House, log: Any) -> None:
    """Take the newest checkpoint to the log's witnesses, if it has any; one that remembers otherwise is a fault."""
    from ostiary.audit.witness.rounds import cosign_now  # noqa: PLC0415 - it brings httpx along

    delivery = cosign_now(house.places.root, house.log.store)
    for name, why in delivery.failed.items() if delivery else ():
        log.warning("witness_away", witness=name, why=why)


def refresh_keys(house: House, log: Any) -> None:
    """Fetch the keys of all issuers, so that no request has to wait for them."""
    failed = house.issuers.refresh(house.clock.now_ns())
    for (tenant, issuer), why in failed.items():
        log.warning("jwks_unavailable", tenant=tenant, issuer=issuer, why=why)
