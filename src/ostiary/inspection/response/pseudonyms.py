"""Pseudonyms instead of values: the same value is the same name for one user, and only he turns it back.

- A name carries its value sealed under the user's key (``keys/pseudonyms.py``); nothing is kept, nothing can be looked
  up by somebody else, and a name that another user pastes stays a name.
- ``restored`` puts the values back into the user's own next prompt.

>>> names = Pseudonyms(b"s" * 32, "default", "ada")
>>> name = names.name("pii.card", "4111111111111111")
>>> names.restored(f"charge {name} again"), Pseudonyms(b"s" * 32, "default", "bob").restored(name) == name
('charge 4111111111111111 again', True)
"""

import base64
import binascii
import re
from typing import Final

from ostiary.keys.pseudonyms import open_same, pseudonym_key, seal_same

MAX_VALUE: Final = 512  # bytes; of a longer value only a placeholder is left
MAX_NAME: Final = 970  # characters of a whole name, see ``_NAME``
_NAME: Final = re.compile(r"\[([a-z][a-z0-9.-]{1,60})~([a-z2-7]{26,900})\]")


class Pseudonyms:
    """The names of one user."""

    def __init__(self, secret: bytes, tenant: str, subject: str) -> None:
        """Derive the user's key from the tenant's secret."""
        self._key = pseudonym_key(secret, tenant, subject)

    def name(self, rule: str, value: str) -> str:
        """Return the name of ``value``; its shape is that of ``Replace``."""
        if len(value.encode("utf-8", "replace")) > MAX_VALUE:
            return f"[REDACTED:{rule}]"
        sealed = base64.b32encode(seal_same(self._key, rule, value)).decode().rstrip("=").lower()
        return f"[{rule}~{sealed}]"

    def restored(self, text: str) -> str:
        """Return ``text`` with this user's names turned back; all others stay as they are."""
        return _NAME.sub(self._value, text)

    def _value(self, match: re.Match[str]) -> str:
        rule, sealed = match.groups()
        try:
            data = base64.b32decode(sealed.upper() + "=" * (-len(sealed) % 8))
        except binascii.Error:
            return match.group()
        value = open_same(self._key, rule, data)
        return match.group() if value is None else value
