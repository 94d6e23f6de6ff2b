"""The secrets of stores: kept outside the registry, read when a store is opened, shown by nothing.

- ``env:OSTIARY_DATASET_…`` is a variable of the server's environment, ``file:NAME`` a private file in the folder that
  the settings name. No other variable and no other file can be named: who registers a dataset must not be able to
  send the server's own secrets to a store of his choice.
- Either holds a JSON object of texts, whose names depend on the store.

>>> check_reference("env:OSTIARY_DATASET_LAKE"), check_reference("")
('env:OSTIARY_DATASET_LAKE', '')
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from typing_extensions import override

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.keys.files import read_private

CREDENTIALS_INVALID: Final = "dataset_credentials_invalid"
CREDENTIALS_ABSENT: Final = "dataset_credentials_absent"
MAX_BYTES: Final = 65_536
_REFERENCE: Final = re.compile(r"(?:env:OSTIARY_DATASET_[A-Z0-9_]{1,100}|file:[A-Za-z0-9_-][A-Za-z0-9._-]{0,127})\Z")


class Secrets:
    """Texts by name that no ``repr`` shows."""

    __slots__ = ("_texts",)

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Keep a copy."""
        self._texts = dict(texts)

    @override
    def __repr__(self) -> str:
        """Name what is there, not what it is."""
        return f"Secrets({sorted(self._texts)})"

    def take(self, *allowed: str) -> dict[str, str]:
        """Return the texts.

        Raises:
            FaultyInputError: ``dataset_credentials_invalid`` when there is one that is not ``allowed``.
        """
        if not self._texts.keys() <= set(allowed):
            raise _invalid(f"the credentials may hold {', '.join(allowed)}, and nothing else")
        return dict(self._texts)


def check_reference(reference: str) -> str:
    """Return where a secret is kept, when it may be kept there.

    Raises:
        FaultyInputError: ``dataset_credentials_invalid``; the text does not repeat it, for it may be the secret itself.
    """
    if reference and not _REFERENCE.match(reference):
        raise _invalid("credentials are named as `env:OSTIARY_DATASET_…` or `file:NAME`, and never written here")
    return reference


def read_secrets(reference: str, environ: Mapping[str, str], folder: Path | None) -> Secrets:
    """Return what a reference names; none for no reference.

    Raises:
        FaultyInputError: ``dataset_credentials_invalid``.
        UnavailableError: ``dataset_credentials_absent`` or ``key_unavailable``.
        RefusedError: ``key_permissions``: others may read the file.
    """
    check_reference(reference)
    kind, _, name = reference.partition(":")
    if not kind:
        return Secrets({})
    if kind == "env":
        text = environ.get(name, "")
        return _parsed(text.encode()) if text else _absent(f"the variable `{name}` is not set")
    if folder is None:
        return _absent("no folder for credentials is set (`datasets.credentials`)")
    return _parsed(read_private(folder / name))


def _parsed(data: bytes) -> Secrets:
    wrong = _invalid("the credentials are no JSON object of texts")
    if len(data) > MAX_BYTES:
        raise wrong
    try:
        return Secrets(msgspec.json.decode(data, type=dict[str, str]))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise wrong from None  # its cause may quote the secret


def _absent(text: str) -> Secrets:
    raise UnavailableError(CREDENTIALS_ABSENT, text)


def _invalid(text: str) -> FaultyInputError:
    return FaultyInputError(CREDENTIALS_INVALID, text)
