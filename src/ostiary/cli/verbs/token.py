"""``ostiary token``: get access tokens for the doors of the pipeline, look at them, take them back.

- ``exchange`` and ``proof`` are for whoever uses a token: they speak to a running server, and need no data directory.
- ``mint``, ``inspect`` and ``revoke`` are for administrators, against the data directory; each deed is recorded.
- A token is never made without something that it is bound to, and never printed beside its key.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.cli.token import listing
from ostiary.cli.token.files import KeyFile, TokenFile, holder_key, read_token, write_token
from ostiary.cli.token.wanted import Wanted
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.vocabulary.clock import SystemClock

if TYPE_CHECKING:
    from ostiary.identity.remembered import Remembered
    from ostiary.server.wiring import House

command = App(name="token", help="Access tokens for the doors of the pipeline.")
listing.mount(command)

Url = Annotated[str, Parameter(help="The server's public address.")]
Out = Annotated[Path | None, Parameter(help="Write the token there, mode 0600, instead of printing it.")]
_EXIT_REFUSED: Final = RefusedError.exit_code
_JWT: Final = "urn:ietf:params:oauth:token-type:jwt"
_GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_NS: Final = 1_000_000_000


@command.command
def exchange(
    wanted: Wanted,
    *,
    url: Url,
    token_file: TokenFile,
    key: KeyFile,
    actor_token_file: Annotated[Path | None, Parameter(help="File with the token of whoever acts.")] = None,
    to: Out = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Exchange a CI job's, pod's, service's or person's token for one of a single resource."""
    from ostiary.cli.token.talking import post  # noqa: PLC0415 - as `open_data`: what a verb does not need

    form = {
        "grant_type": _GRANT,
        "subject_token": read_token(token_file),
        "subject_token_type": _JWT,
        "authorization_details": wanted.text(),
    }
    if actor_token_file is not None:
        form |= {"actor_token": read_token(actor_token_file), "actor_token_type": _JWT}
    told = post(url, tenant, "token", form, holder_key(key), SystemClock())
    _hand_out(told, str(told.get("access_token", "")), to, json=json)


@command.command
def proof(
    method: Annotated[str, Parameter(help="Of the request.")],
    address: Annotated[str, Parameter(help="Of the request, whole.")],
    *,
    token_file: TokenFile,
    key: KeyFile,
    json: Json = False,
) -> None:
    """Print the two headers of one request to a door, as `curl -H @-` reads them."""
    from ostiary.identity.exchange.proving import make_proof  # noqa: PLC0415 - as above

    token = read_token(token_file)
    made = make_proof(holder_key(key), method, address, SystemClock().now_ns(), token=token)
    if json:
        print_json({"Authorization": f"DPoP {token}", "DPoP": made})
    else:
        sys.stdout.write(f"Authorization: DPoP {token}\nDPoP: {made}\n")


@command.command
def mint(
    wanted: Wanted,
    *,
    subject: Annotated[str, Parameter(help="Whom it is about, `type:id`.")],
    key: Annotated[Path | None, Parameter(help="PEM file of the holder's key, mode 0600; made if missing.")] = None,
    jkt: Annotated[str, Parameter(help="Or the thumbprint of the holder's key (RFC 7638).")] = "",
    certificate: Annotated[str, Parameter(help="Or SHA-256 of the holder's client certificate.")] = "",
    lifetime_s: Annotated[int, Parameter(help="How long it is good; the settings bound it.")] = 300,
    reason: Annotated[str, Parameter(help="Why, for the log.")] = "administrator",
    to: Out = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Make a token without an exchange, as the administrator of the data directory; it is recorded."""
    from ostiary.identity.exchange.proving import thumbprint_of  # noqa: PLC0415 - as above
    from ostiary.server.tokens.minting import Order, mint_by_hand  # noqa: PLC0415 - as above

    kind, colon, name = subject.partition(":")
    if not colon or not kind or not name:
        raise FaultyInputError("subject_invalid", "name the subject as `type:id`")
    held = thumbprint_of(holder_key(key)) if key is not None else jkt
    order = Order(
        subject_type=kind,
        subject_id=name,
        detail=wanted.detail(),
        lifetime_s=lifetime_s,
        jkt=held,
        certificate=certificate,
        reason=reason,
    )
    with open_data(data, config) as house:
        check_living(house, tenant)
        minted, record_id = mint_by_hand(house, tenant, order)
    told = {"token_id": minted.token_id, "expires": minted.expires_ns // _NS, "record_id": record_id}
    _hand_out({**told, "access_token": minted.token}, minted.token, to, json=json)


@command.command
def inspect(
    *,
    token_file: TokenFile,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Say what a token is for and whether it stands; exit code 3 when it does not."""
    from ostiary.identity.exchange.details import AccessDetail  # noqa: PLC0415 - as above
    from ostiary.identity.exchange.restrictions import restrictions_of, wire  # noqa: PLC0415 - as above
    from ostiary.server.tokens.lookups import INACTIVE, OwnTokens  # noqa: PLC0415 - as above

    with open_data(data, config) as house:
        check_living(house, tenant)
        known = _known(house, tenant, read_token(token_file))
        told = INACTIVE if known is None else OwnTokens(house).told(known, tenant, house.clock.now_ns())
    if told["active"]:
        detail = msgspec.convert(told["authorization_details"][0], AccessDetail)
        told = {**told, "restrictions": [wire(one) for one in restrictions_of(detail)]}
    if json:
        print_json(told)
    else:
        _tell(told)
    if not told["active"]:
        sys.exit(_EXIT_REFUSED)


@command.command
def revoke(
    token_id: Annotated[str, Parameter(help="The token's id (`jti`), as the log tells it.")] = "",
    *,
    token_file: Annotated[Path | None, Parameter(help="Or a file with the token; - reads standard input.")] = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Take a token back, and all that were narrowed from it; it is recorded, and holds everywhere in half a second."""
    from ostiary.server.tokens.minting import revoke_by_hand  # noqa: PLC0415 - as above

    if bool(token_id) == (token_file is not None):
        raise FaultyInputError("token_unnamed", "name the token by its id or by `--token-file`")
    with open_data(data, config) as house:
        check_living(house, tenant)
        if token_file is not None:
            known = _known(house, tenant, read_token(token_file))
            token_id = "" if known is None or known.facts.traits is None else known.facts.traits.token_id
        record_id, changed = revoke_by_hand(house, tenant, token_id)
    if json:
        print_json({"token_id": token_id, "changed": changed, "record_id": record_id})
    else:
        out.print(f"{token_id} {'is' if changed else 'was already'} taken back ({record_id})", markup=False)


def _known(house: "House", tenant: str, token: str) -> "Remembered | None":
    from ostiary.server.tokens.lookups import OwnTokens  # noqa: PLC0415 - as above

    return OwnTokens(house).find(token, tenant, house.clock.now_ns())


def _hand_out(told: dict[str, Any], token: str, to: Path | None, *, json: bool) -> None:
    """Print a token, or write it to a file and print what else is told."""
    if to is not None:
        write_token(to, token)
        told = {name: value for name, value in told.items() if name != "access_token"}
    if json:
        print_json(told)
    elif to is None:
        sys.stdout.write(token + "\n")
    else:
        out.print(f"the token is in {to}", markup=False)


def _tell(told: dict[str, Any]) -> None:
    if not told["active"]:
        out.print("it is no token of ours that stands", markup=False)
        return
    for name in ("sub_type", "sub", "jti", "sid", "exp", "token_type"):
        out.print(f"{name:<12} {told.get(name)}", markup=False)
    for tag, *members in told["restrictions"]:
        out.print(f"{tag:<12} {' '.join(map(str, members))}", markup=False)
