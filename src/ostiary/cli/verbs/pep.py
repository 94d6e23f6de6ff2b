"""``ostiary pep``: register, list and remove enforcement points.

A key is shown once, when it is made. With ``--subjects asserted`` the enforcement point's word for who asks is taken;
otherwise it must present a token of every subject.
"""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import RefusedError
from ostiary.identity.ports import RegisteredPep
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.peps import NewPep, register

command = App(name="pep", help="Enforcement points: who may ask for decisions.")

PepId = Annotated[str, Parameter(help="Its id: 1 to 64 of A-Z a-z 0-9 _ and -.")]


def _row(pep: RegisteredPep) -> dict[str, object]:
    ways = {"api key": pep.secret_hashes, "certificate": pep.certificates, "token": pep.token_issuer}
    return {
        "pep": pep.pep_id,
        "subjects": pep.subjects,
        "proof": pep.proof_required,
        "by": ", ".join(way for way, given in ways.items() if given),
        "receipts": pep.receipts,
        "disabled": pep.disabled,
    }


@command.command
def add(
    pep_id: PepId,
    *,
    subjects: Annotated[
        Literal["asserted", "token"], Parameter(help="Whether its word for a subject is taken.")
    ] = "token",
    proof: Annotated[Literal["", "dpop", "mtls"], Parameter(help="Proof of possession its tokens must have.")] = "",
    certificate: Annotated[
        tuple[str, ...], Parameter(negative="", help="SHA-256 of its client certificate, hex or base64url.")
    ] = (),
    token_issuer: Annotated[str, Parameter(help="Issuer whose tokens authenticate it.")] = "",
    token_subject: Annotated[str, Parameter(help="The `sub` of those tokens.")] = "",
    receipt_key: Annotated[
        Path | None, Parameter(help="PEM file of the public key of its receipts; with it, it answers for obligations.")
    ] = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Register an enforcement point and show its key once."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        wanted = NewPep(
            pep_id=pep_id,
            tenant=tenant,
            subjects=subjects,
            proof_required=proof,
            certificates=certificate,
            token_issuer=token_issuer,
            token_subject=token_subject,
            receipts=receipt_key is not None,
            receipt_key=receipt_key.read_text("ascii") if receipt_key is not None else "",
        )
        made = register(house, wanted)
        record_deed(house, COMMAND_LINE, tenant, "pep.add", pep=pep_id, subjects=subjects)
    if json:
        print_json({**_row(made.pep), "tenant": tenant, "api_key": made.api_key})
        return
    out.print(f"{pep_id} may ask for decisions of tenant {tenant}", markup=False)
    if made.api_key:
        out.print(f"its key, shown once: {made.api_key}", markup=False)


@command.command(name="list")
def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List a tenant's enforcement points."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        rows = [_row(pep) for pep in house.store.peps.of_tenant(tenant)]
    if json:
        print_json(rows)
    else:
        print_table("enforcement points", ("pep", "subjects", "proof", "by", "receipts", "disabled"), rows)


@command.command
def remove(
    pep_id: PepId, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Remove an enforcement point; it is unknown from then on."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        if pep_id not in {pep.pep_id for pep in house.store.peps.of_tenant(tenant)}:
            raise RefusedError("pep_unknown", f"there is no enforcement point `{pep_id[:80]}`")
        record_deed(house, COMMAND_LINE, tenant, "pep.remove", pep=pep_id)
        house.store.peps.delete(tenant, pep_id)
    if json:
        print_json({"removed": pep_id})
    else:
        out.print(f"{pep_id} is gone", markup=False)
