"""``ostiary producer``: who may send events that train. Register, list, revoke, make a key.

- Only events in batches that a registered producer signed are rows for training; `ostiary events sign` makes a batch.
- A name and a key are given once and never again; revoking is for ever.
"""

import os
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.defence.producers import Producer, read_key
from ostiary.errors import FaultyInputError
from ostiary.keys import SigningKey

_SECOND_NS: Final = 1_000_000_000

command = App(name="producer", help="Producers of events: whose batches may train.")

Name = Annotated[str, Parameter(help="The producer's name: 1 to 63 of a-z, 0-9, `.`, `_`, `-`.")]


@command.command
def add(
    name: Name,
    *,
    key: Annotated[Path, Parameter(help="Its Ed25519 public key, JWK or PEM.")],
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Register a producer with its public key."""
    from ostiary.server.batches import add_producer  # noqa: PLC0415 - half a second that not every verb needs
    from ostiary.server.deeds import COMMAND_LINE  # noqa: PLC0415

    with open_data(data, config) as house:
        check_living(house, tenant)
        made = add_producer(house, COMMAND_LINE, tenant, name, read_key(_bytes(key)))
    _tell(made, json=json)


@command.command(name="list")
def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List producers with the head of each one's chain, and how many batches were refused."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        rows = [_row(one) for one in house.store.producers.of_tenant(tenant)]
        refused = house.store.producers.refusals(tenant)
    if json:
        print_json({"producers": rows, "refused": refused})
        return
    print_table(f"producers of {tenant}", ["name", "key", "state", "sequence", "head"], rows)
    for code, number in refused.items():
        out.print(f"refused: {number:,} {code}", markup=False)


@command.command
def revoke(
    name: Name,
    *,
    distrust_since: Annotated[
        float | None, Parameter(help="What it signed from this Unix time on trains nothing any more; 0 is all of it.")
    ] = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Revoke a producer for ever; what it sent before goes on training unless it is distrusted."""
    from ostiary.server.batches import revoke_producer  # noqa: PLC0415 - as above
    from ostiary.server.deeds import COMMAND_LINE  # noqa: PLC0415

    since = None if distrust_since is None else int(distrust_since * _SECOND_NS)
    with open_data(data, config) as house:
        check_living(house, tenant)
        made = revoke_producer(house, COMMAND_LINE, tenant, name, since)
    _tell(made, json=json)


@command.command(name="key")
def key_(
    name: Name,
    *,
    out_file: Annotated[Path, Parameter(name="--out", help="Where the private key goes; it must not exist.")],
    json: Json = False,
) -> None:
    """Make a producer's key; print the public half, which `ostiary producer add` takes."""
    made = SigningKey.generate(name)
    try:
        with os.fdopen(os.open(out_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(made.private_pem())
    except OSError as fault:
        raise FaultyInputError("output_unwritable", f"`{out_file}` cannot be made: {fault.strerror}") from fault
    if json:
        print_json(made.public.jwk())
    else:
        out.print(made.public.pem().decode().rstrip(), markup=False)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise FaultyInputError("input_unreadable", f"`{path}` cannot be read") from fault


def _tell(one: Producer, *, json: bool) -> None:
    if json:
        print_json(_row(one))
    else:
        out.print(f"producer {one.name} with key {one.thumbprint}: {_state(one)}", markup=False)


def _row(one: Producer) -> dict[str, object]:
    return {
        "name": one.name,
        "key": one.thumbprint,
        "state": _state(one),
        "added": one.added_ns // _SECOND_NS,
        "revoked": one.revoked_ns // _SECOND_NS or None,
        "distrusted": None if one.distrusted_ns is None else one.distrusted_ns // _SECOND_NS,
        "sequence": one.sequence,
        "head": one.head,
    }


def _state(one: Producer) -> str:
    if one.distrusted_ns is not None:
        return "distrusted"
    return "revoked" if one.revoked else "active"
