"""What the registry's sub-verbs share: the open data directory, who does it, and how facts are shown.

Whoever may open the data directory is the operator: no decision is asked, the deed is recorded as an administrator's,
and everything that the registry itself demands (signature, report, approvals) is demanded all the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from ostiary.cli.output import out, print_json
from ostiary.cli.places import Config, Data, Json, Tenant, open_data
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.keys import SigningKey
from ostiary.pipeline.registry.model import Actor
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.wiring import House

Name = Annotated[str, Parameter(help="Name of the model.")]
Version = Annotated[int, Parameter(help="Number of the version in the registry.")]
Stage = Annotated[str, Parameter(help="Stage, such as staging or production.")]
Why = Annotated[str, Parameter(help="Why, for the log.")]
DryRun = Annotated[bool, Parameter(name="--dry-run", negative="", help="Check everything, change nothing.")]
MAX_FILE: Final = 16 << 20
_NS: Final = 1_000_000_000

__all__ = ["Config", "Data", "DryRun", "Json", "Name", "Stage", "Tenant", "Version", "Why"]


@contextmanager
def opened(data: Path | None, config: Path | None, tenant: str) -> Iterator[House]:
    """Open the data directory for a tenant that lives."""
    with open_data(data, config) as house:
        if house.tenants.find(tenant) is None:
            raise RefusedError("tenant_unknown", f"there is no tenant `{tenant[:80]}`")
        yield house


def operator(house: House, tenant: str, action: str, **told: Any) -> Actor:
    """Record what the operator is about to do, and return the operator as the registry knows it."""
    return Actor(COMMAND_LINE, (), record_deed(house, COMMAND_LINE, tenant, action, **told))


def read_file(path: Path) -> bytes:
    """Return a small file.

    Raises:
        FaultyInputError: ``file_unreadable``.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as fault:
        raise FaultyInputError("file_unreadable", f"`{path}` cannot be read: {fault.strerror}") from fault
    if len(data) > MAX_FILE:
        raise FaultyInputError("file_unreadable", f"`{path}` has more than {MAX_FILE} bytes")
    return data


def read_key(path: Path) -> SigningKey:
    """Return a private key of a person: Ed25519 or P-256 in PEM."""
    return SigningKey.from_pem(path.stem, read_file(path))


def write_new(path: Path, data: bytes) -> None:
    """Write a file.

    Raises:
        FaultyInputError: ``file_unwritable``.
    """
    try:
        path.write_bytes(data)
    except OSError as fault:
        raise FaultyInputError("file_unwritable", f"`{path}` cannot be written: {fault.strerror}") from fault


def moment(text: str) -> int:
    """Return a moment in nanoseconds; a day alone stands for its end, UTC.

    Raises:
        FaultyInputError: ``usage``.

    >>> moment("1970-01-01T00:00:01+00:00"), moment("1970-01-01") == 86_400 * 10**9 - 1000
    (1000000000, True)
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as fault:
        raise FaultyInputError(
            "usage", f"`{text[:40]}` is no date: write 2026-11-26 or 2026-11-26T12:00:00Z"
        ) from fault
    if "T" not in text and " " not in text:
        found = datetime.combine(found.date(), time.max)
    whole = found if found.tzinfo else found.replace(tzinfo=UTC)
    return int(whole.timestamp()) * _NS + whole.microsecond * 1000


def when(at_ns: int) -> str:
    """Return a moment for people."""
    return datetime.fromtimestamp(at_ns // _NS, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at_ns else ""


def words_of(digest: str) -> str:
    """Return a digest in groups that people can compare over the telephone.

    >>> words_of("sha256:0123456789abcdef0123456789abcdef")
    '01234567 89abcdef 01234567 89abcdef'
    """
    plain = digest.removeprefix("sha256:")
    return " ".join(plain[start : start + 8] for start in range(0, len(plain), 8))


def said(told: dict[str, Any], words: str, *, json: bool) -> None:
    """Print a result, for a machine or for a person."""
    if json:
        print_json(told)
    else:
        out.print(words, markup=False)
