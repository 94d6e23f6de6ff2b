"""``ostiary keys``: list, rotate and shred.

- ``rotate`` makes the next signing key of a purpose; retired keys go on verifying what they signed.
- ``shred`` destroys the key under which a subject's data was sealed: the data is gone, backups included.
"""

from typing import Annotated, Final

from cyclopts import App, Parameter

from ostiary.audit.settings import LOG_PURPOSE, SYSTEM_TENANT
from ostiary.audit.subjects import SubjectAdmin
from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, open_data
from ostiary.errors import FaultyInputError
from ostiary.keys import ALGORITHMS, EDDSA, KeyRing

_DAY_S: Final = 86_400
_SECOND_NS: Final = 1_000_000_000

command = App(name="keys", help="Signing keys and the keys that personal data is sealed under.")


def _rows(ring: KeyRing, tenant: str, now_ns: int) -> list[dict[str, object]]:
    return [
        {
            "kid": entry.kid,
            "purpose": purpose,
            "alg": entry.alg,
            "state": _state(entry.signs_until_ns, now_ns),
            "created": entry.created_ns // _SECOND_NS,
        }
        for purpose in ring.purposes(tenant)
        for entry in ring.entries(tenant, purpose)
    ]


def _state(signs_until_ns: int | None, now_ns: int) -> str:
    if signs_until_ns is None:
        return "active"
    return "overlap" if signs_until_ns > now_ns else "retired"


def _alg(ring: KeyRing, tenant: str, purpose: str) -> str:
    """Return the algorithm of the newest key that signs: a key of another one would not take its place."""
    signing = [entry.alg for entry in ring.entries(tenant, purpose) if entry.signs_until_ns is None]
    return signing[-1] if signing else EDDSA


@command.command(name="list")
def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List a tenant's signing keys, public parts only; the log's own key belongs to the tenant `system`."""
    with open_data(data, config) as house:
        rows = _rows(house.ring, tenant, house.clock.now_ns())
    if json:
        print_json(rows)
    else:
        print_table(f"signing keys of {tenant}", ["kid", "purpose", "alg", "state"], rows)


@command.command
def rotate(
    purpose: Annotated[str, Parameter(help="What the key is for; `ostiary keys list` shows it. `log` is the log's.")],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    alg: Annotated[str, Parameter(help="EdDSA, ES256 or RS256. Default: as the key that signs now.")] = "",
    overlap_days: Annotated[int, Parameter(help="For so long the old key may still sign.")] = 0,
    json: Json = False,
) -> None:
    """Make the next key of a purpose; the old one goes on verifying, its secret half is erased."""
    with open_data(data, config) as house:
        if purpose == LOG_PURPOSE:
            told = {"kid": house.log.rotate_key().vkey(), "purpose": purpose, "tenant": SYSTEM_TENANT}
        elif alg and alg not in ALGORITHMS:
            raise FaultyInputError(
                "key_malformed", f"`{alg[:20]}` is no key algorithm of ours: use EdDSA, ES256 or RS256"
            )
        elif purpose not in house.ring.purposes(tenant):
            raise FaultyInputError("key_unknown", f"`{tenant}` has no key for `{purpose[:50]}`")
        else:
            key = house.ring.rotate(
                tenant, purpose, alg or _alg(house.ring, tenant, purpose), overlap_s=overlap_days * _DAY_S
            )
            told = {"kid": key.kid, "purpose": purpose, "tenant": tenant}
    if json:
        print_json(told)
    else:
        out.print(f"new key {told['kid']}", markup=False)
        if purpose == LOG_PURPOSE:
            err.print("verifiers that visit during the overlap learn it; give it to the others", style="dim")


@command.command
def shred(
    subject: Annotated[str, Parameter(help="Whose key, as type:id, such as user:ann.")],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    yes: Annotated[bool, Parameter(negative="", help="Do it: this cannot be undone.")] = False,
    json: Json = False,
) -> None:
    """Destroy a subject's key: what the log holds of it can never be read again; every proof stays valid."""
    if not yes:
        raise FaultyInputError("not_confirmed", "this cannot be undone: say `--yes`")
    with open_data(data, config) as house:
        erased = SubjectAdmin(house.log, house.clock).erase(tenant, subject)
    if json:
        print_json(erased)
    else:
        out.print(f"{erased.count:,} payloads are unreadable for ever (record {erased.record_id})", markup=False)
