"""What the sub-verbs of ``ostiary model`` share: their common options and the reading of keys."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ostiary.errors import FaultyInputError
from ostiary.keys import VerifyingKey

Data = Annotated[Path | None, Parameter(help="Data directory. Default: $OSTIARY_DATA, else ./.ostiary.")]
Tenant = Annotated[str, Parameter(help="Tenant whose key signs or is trusted.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Machine-readable output.")]


def read_pems(paths: list[Path]) -> list[VerifyingKey]:
    """Return the public keys of PEM files.

    Raises:
        FaultyInputError: ``key_unreadable``, ``key_malformed``.
    """
    try:
        return [VerifyingKey.from_pem(path.stem, path.read_bytes()) for path in paths]
    except OSError as fault:
        raise FaultyInputError("key_unreadable", f"a key cannot be read: {fault.strerror}") from fault
