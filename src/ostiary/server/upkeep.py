"""What a worker fetches and brings beside the answers: keys of issuers, checkpoints to witnesses."""

from typing import Any

from ostiary.server.wiring import House


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
