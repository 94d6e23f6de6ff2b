"""Registering an enforcement point: one way for the API, the command line and the first start."""

from typing import Literal

import msgspec

from ostiary.errors import RefusedError
from ostiary.identity.mtls import thumbprint
from ostiary.identity.pep import api_key
from ostiary.identity.ports import RegisteredPep
from ostiary.keys import VerifyingKey, hash_secret, new_secret
from ostiary.server.wiring import House


class NewPep(msgspec.Struct, frozen=True, kw_only=True):
    """What an administrator says of a new enforcement point."""

    pep_id: str
    tenant: str
    subjects: Literal["asserted", "token"] = "token"
    proof_required: Literal["", "dpop", "mtls"] = ""
    certificates: tuple[str, ...] = ()
    token_issuer: str = ""
    token_subject: str = ""
    receipts: bool = False
    receipt_key: str = ""


class Registered(msgspec.Struct, frozen=True):
    """A fresh enforcement point; ``api_key`` is empty when it proves itself otherwise, and is never seen again."""

    pep: RegisteredPep
    api_key: str


def register(house: House, wanted: NewPep) -> Registered:
    """Register an enforcement point.

    Raises:
        RefusedError: ``pep_exists``; another tenant's ids, certificates and workloads are taken too.
        FaultyInputError: the registration could not work, or its receipt key is none of ours.
    """
    if house.store.peps.find(wanted.pep_id) is not None:
        raise RefusedError("pep_exists", "this id is taken")
    if wanted.receipt_key:
        VerifyingKey.from_pem(wanted.pep_id, wanted.receipt_key.encode())
    secret = "" if wanted.certificates or wanted.token_issuer else new_secret()
    pep = RegisteredPep(
        pep_id=wanted.pep_id,
        tenant=wanted.tenant,
        subjects=wanted.subjects,
        proof_required=wanted.proof_required,
        secret_hashes=(hash_secret(secret),) if secret else (),
        certificates=tuple(thumbprint(text) for text in wanted.certificates),
        token_issuer=wanted.token_issuer,
        token_subject=wanted.token_subject,
        receipts=wanted.receipts,
        receipt_key=wanted.receipt_key,
    )
    if not house.store.peps.save(pep, house.clock.now_ns()):
        raise RefusedError("pep_exists", "this id, or what proves it, is taken")
    return Registered(pep, api_key(pep.pep_id, secret) if secret else "")
