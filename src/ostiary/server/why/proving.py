"""The inclusion proof of one record, made and checked here: entry, path, signed checkpoint, the payload's commitment.

It is the check that anybody can make offline with ``ostiary audit receipt``; here it is made by the server that
keeps the log, which convinces only those who trust it: the proof is there to be taken away.
"""

from typing import Any

from ostiary.audit.entry import commitment
from ostiary.audit.log import open_row
from ostiary.audit.verifier.receipt import verify_receipt
from ostiary.audit.verifier.signed import read_vkey
from ostiary.errors import OstiaryError, RefusedError
from ostiary.server.wiring import House


def check_proof(house: House, tenant: str, record_id: str) -> dict[str, Any]:
    """Check that a record is in the log as it stands there.

    Returns:
        ``good``, and if not the ``code`` and ``text`` of what is wrong; ``index``, ``size``, ``origin``, ``checkpoint``
        (the signed note), ``commit``.

    Raises:
        RefusedError: ``decision_unknown``.
    """
    proof, row = house.log.prove(tenant, record_id), house.log.store.find_record(tenant, record_id)
    if proof is None or row is None:
        raise RefusedError("decision_unknown", "there is no such decision, or it was erased")
    note = proof.checkpoint.decode(errors="replace")
    told: dict[str, Any] = {"record": record_id, "index": proof.index, "checkpoint": note, "code": "", "text": ""}
    try:
        keys = [read_vkey(key.vkey()) for key in house.log.public_keys()]
        receipt = verify_receipt(proof.text(), keys)
        opening = open_row(house.log.vault, row)
    except OstiaryError as fault:  # told as what it is: the proof does not hold
        return {**told, "good": False, "size": 0, "origin": "", "commit": "", "code": fault.code, "text": fault.message}
    same = receipt.entry.id == record_id and opening is not None and commitment(opening) == receipt.entry.commit
    told |= {"size": receipt.size, "origin": receipt.origin, "commit": receipt.entry.commit}
    if not same:
        told |= {"code": "record_altered", "text": "the record is not what its log entry commits to"}
    return {**told, "good": same}
