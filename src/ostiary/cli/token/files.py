"""Tokens and keys in files: what is secret is read from 0600 and written as 0600, never taken from a command line."""

import sys
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from ostiary.errors import FaultyInputError
from ostiary.identity.tokens import MAX_LENGTH
from ostiary.keys import ES256, SigningKey
from ostiary.keys.files import read_private, write_private

NAME: Final = "holder"
TokenFile = Annotated[Path, Parameter(allow_leading_hyphen=True, help="File with the token; - reads standard input.")]
KeyFile = Annotated[Path, Parameter(help="PEM file of the holder's key, mode 0600; made when it is not there.")]


def read_token(path: Path) -> str:
    """Return the token in a file.

    Raises:
        FaultyInputError: ``token_unreadable``.
    """
    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
            raw = file.read(MAX_LENGTH + 2)
        return raw.decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise FaultyInputError("token_unreadable", f"no token can be read from `{path}`") from fault


def holder_key(path: Path) -> SigningKey:
    """Return the key in a file, made now when there is none.

    Raises:
        RefusedError: ``key_permissions``: others may read it.
        FaultyInputError: ``key_malformed``.
    """
    if not path.exists():
        write_private(path, SigningKey.generate(NAME, ES256).private_pem())
    return SigningKey.from_pem(NAME, read_private(path))


def write_token(path: Path, token: str) -> None:
    """Write a token to a file that only its owner reads."""
    write_private(path, token.encode() + b"\n")
