"""``ostiary login``: sign in at an identity provider from a terminal, for `ostiary connect` and other commands.

- The device flow (RFC 8628): nothing listens here, no browser is needed on this machine.
- Where the provider binds tokens (RFC 9449), this one is bound to a key made here: a copied token is of no use.
- Nothing secret is printed; `--end` gives the refresh token back and erases it all.
"""

import time
from typing import Annotated, Any, Final

from cyclopts import App, Parameter

from ostiary.cli.output import err, out, print_json
from ostiary.cli.places import Json
from ostiary.cli.signing_in import DEFAULT_LOGIN, Login, login_folder
from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.vocabulary.clock import SystemClock

command = App(name="login", help="Sign in at an identity provider.")

SCOPE: Final = "openid profile offline_access"
_NS: Final = 1_000_000_000


@command.default
def login(
    *,
    issuer: Annotated[str, Parameter(help="The identity provider, as its tokens name it.")] = "",
    client_id: Annotated[str, Parameter(help="Id of the public client that is registered there for Ostiary.")] = "",
    scope: Annotated[str, Parameter(help="What to ask for.")] = SCOPE,
    as_: Login = DEFAULT_LOGIN,
    status: Annotated[bool, Parameter(negative="", help="Say who is signed in, and end.")] = False,
    end: Annotated[bool, Parameter(negative="", help="Sign out: give tokens back and erase them.")] = False,
    json: Json = False,
) -> None:
    """Sign in: shows a code and an address, and waits until it was approved there."""
    if status:
        _say(_told(as_), json=json)
    elif end:
        _say({"signed_out": _end(as_)}, json=json)
    elif not issuer or not client_id:
        raise FaultyInputError("usage", "name the provider and the client: --issuer https://… --client-id …")
    else:
        _begin(issuer, client_id, scope, as_, json=json)


def _begin(issuer: str, client_id: str, scope: str, name: str, *, json: bool) -> None:
    from ostiary.identity.login import device_flow, store  # noqa: PLC0415 - what other verbs do not need
    from ostiary.identity.login.granting import Granting  # noqa: PLC0415
    from ostiary.identity.login.provider import WELL_KNOWN, check_address, read_provider  # noqa: PLC0415
    from ostiary.identity.login.session import usable  # noqa: PLC0415
    from ostiary.identity.login.talking import HttpTalk  # noqa: PLC0415

    clock, talk, kept = SystemClock(), HttpTalk(), store.LoginStore(login_folder(name))
    check_address(issuer, "the issuer")
    provider = read_provider(talk.fetch(issuer.rstrip("/") + WELL_KNOWN), issuer)
    granting = Granting(provider, client_id, kept.key(), talk, clock)
    begun = device_flow.begin(granting, talk, client_id, scope, clock)
    shown = begun.shown
    err.print(f"Open {shown.address} and enter the code {shown.user_code}", markup=False)
    if shown.whole:
        err.print(f"or open {shown.whole}", markup=False)
    granted = device_flow.wait(granting, begun, clock, time.sleep)
    usable(granted)
    with kept.alone():
        kept.write(store.Login(provider, client_id, scope, granted))
    _say(_told(name), json=json)


def _told(name: str) -> dict[str, Any]:
    """Return what may be shown of a sign-in: nothing of its tokens."""
    from ostiary.identity.login.store import LoginStore  # noqa: PLC0415

    kept = LoginStore(login_folder(name)).read()
    left = (kept.granted.expires_ns - SystemClock().now_ns()) // _NS
    return {
        "signed_in": True,
        "as": name,
        "issuer": kept.provider.issuer,
        "client_id": kept.client_id,
        "bound_to_key": kept.granted.bound,
        "renewable": bool(kept.granted.refresh_token),
        "token_seconds_left": max(0, left),
    }


def _end(name: str) -> bool:
    from ostiary.identity.login.store import LoginStore  # noqa: PLC0415
    from ostiary.identity.login.talking import HttpTalk  # noqa: PLC0415

    kept = LoginStore(login_folder(name))
    try:
        login = kept.read()
        if login.provider.revocation and login.granted.refresh_token:
            form = {"token": login.granted.refresh_token, "client_id": login.client_id}
            HttpTalk().post(login.provider.revocation, form)
    except OstiaryError as fault:
        err.print(f"nothing was given back at the provider: {fault.message}", style="yellow", markup=False)
    return kept.erase()


def _say(told: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(told)
        return
    for name, value in told.items():
        out.print(f"{name.replace('_', ' ')}: {value}", markup=False)
