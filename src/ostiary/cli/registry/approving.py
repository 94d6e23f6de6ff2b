"""``ostiary model report|wanted|approve``: what validators and approvers sign, on machines of their own.

`wanted` says what an approval must say; `approve` shows it to a person, and signs it with that person's key. The second
person adds a signature to the first one's file. Nobody needs the data directory for that: `wanted` is a small file.
"""

from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter

from ostiary.cli.output import err, print_json
from ostiary.cli.registry.shared import (
    Config,
    Data,
    Json,
    Name,
    Stage,
    Tenant,
    Version,
    opened,
    read_file,
    read_key,
    said,
    when,
    words_of,
    write_new,
)
from ostiary.errors import FaultyInputError
from ostiary.keys import random_bytes
from ostiary.pipeline.registry.approving import Deed, make_approval, read_approval
from ostiary.pipeline.registry.changing import release_wanted
from ostiary.pipeline.registry.promoting import Asked
from ostiary.pipeline.registry.reporting import Findings, make_report
from ostiary.pipeline.registry.sealed import add_signatures, parse_envelope
from ostiary.vocabulary.approvals import Wanted
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.unreadable import UNREADABLE

Key = Annotated[Path, Parameter(help="Your private key, Ed25519 or P-256 in PEM.")]
Out = Annotated[Path, Parameter(help="Where the result goes.")]
_DAY_NS: Final = 86_400 * 10**9
_NONCE: Final = 24


class WantedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an approval must say, without the names of those who made the model."""

    tenant: str
    action: str
    model: str
    version: int
    stage: str
    digest: str
    previous: str
    metrics: str
    report: str


def report(
    name: Name,
    *,
    digest: Annotated[str, Parameter(help="Root digest of the model that was validated, sha256:….")],
    statement: Annotated[str, Parameter(help="Digest of its signed manifest: `digest` of `model sign|verify --json`.")],
    metrics: Annotated[Path, Parameter(help="JSON object: number by name.")],
    key: Key,
    out: Out,
    failed: Annotated[bool, Parameter(negative="", help="The model is not good enough.")] = False,
    dataset: Annotated[list[str] | None, Parameter(help="Digest of data it was judged on.", negative="")] = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Sign a validation report; the validator's key, never the trainer's."""
    try:
        numbers = msgspec.json.decode(read_file(metrics), type=dict[str, float])
    except UNREADABLE as fault:
        raise FaultyInputError("report_malformed", f"`{metrics}` is no JSON object of numbers: {fault}") from fault
    found = Findings(tenant, name, statement, numbers, not failed, SystemClock().now_ns(), datasets=dataset or [])
    sealed = make_report(name, digest, found, [read_key(key)])
    write_new(out, sealed)
    said({"report": parse_envelope(sealed).digest, "file": str(out)}, f"report of {name} in {out}", json=json)


def wanted(
    name: Name,
    version: Version,
    *,
    stage: Stage = "",
    report: Annotated[Path | None, Parameter(help="Validation report; not for a release.")] = None,
    rollback: Annotated[bool, Parameter(negative="", help="It goes back to a version that was live.")] = False,
    release: Annotated[bool, Parameter(negative="", help="It lets a quarantined version in again.")] = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
) -> None:
    """Print what an approval must say, as JSON."""
    with opened(data, config, tenant) as house:
        if release:
            found = release_wanted(house.models.journal.version(tenant, name, version))
        else:
            sealed = read_file(report) if report else b""
            action = "rollback" if rollback else "promote"
            found = house.models.promoter.wanted(Asked(tenant, name, version, stage, action, sealed, b""))
    print_json({field: getattr(found, field) for field in WantedFile.__struct_fields__})


def approve(
    *,
    key: Key,
    out: Out,
    wanted: Annotated[Path | None, Parameter(help="What is to be approved (`ostiary model wanted`).")] = None,
    approval: Annotated[Path | None, Parameter(help="Another person's approval, to be signed too.")] = None,
    days: Annotated[float, Parameter(help="Days for which it holds; then the model is not loaded any more.")] = 30.0,
    json: Json = False,
) -> None:
    """Approve exactly one deed with your key; what you sign is shown on stderr."""
    if (wanted is None) == (approval is None):
        raise FaultyInputError("usage", "give either --wanted or --approval")
    if wanted is not None:
        sealed = _first(read_file(wanted), key, days)
    else:
        opened_ = parse_envelope(read_file(approval)) if approval else parse_envelope(b"")
        sealed = add_signatures(opened_, [read_key(key)])
    digest, deed = read_approval(sealed)
    _show(digest, deed)
    write_new(out, sealed)
    name = parse_envelope(sealed).digest
    said({"approval": name, "file": str(out), "expires_ns": deed.expires_ns}, f"approval {name} in {out}", json=json)


def _first(data: bytes, key: Path, days: float) -> bytes:
    try:
        told = msgspec.json.decode(data, type=WantedFile)
    except UNREADABLE as fault:
        raise FaultyInputError(
            "statement_malformed", f"this is not what `ostiary model wanted` prints: {fault}"
        ) from fault
    now = SystemClock().now_ns()
    return make_approval(
        Wanted(**msgspec.structs.asdict(told)),
        issued_ns=now,
        expires_ns=now + round(days * _DAY_NS),
        nonce=random_bytes(_NONCE).hex(),
        keys=[read_key(key)],
    )


def _show(digest: str, deed: Deed) -> None:
    """Show what is signed: a key signs what a person has read, and compares with what the other one was shown."""
    where = f" in {deed.stage}" if deed.stage else ""
    err.print(f"{deed.action} {deed.model} version {deed.version}{where} of {deed.tenant}", markup=False)
    for title, text in (("model", digest), ("in place of", deed.previous), ("report", deed.report)):
        err.print(f"  {title:12}{words_of(text) or 'nothing'}", markup=False)
    err.print(f"  until       {when(deed.expires_ns)}", markup=False)
