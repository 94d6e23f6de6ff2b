"""The seal that makes a ``VerifiedIdentity`` genuine.

Only modules of this room import it; ``tests/laws/test_identity_seal.py`` reads the sources to hold them to that.
"""

from typing import Final


class _Seal:
    """Has exactly one instance, which cannot be copied, so that holding it proves being inside the room."""

    __slots__ = ()


SEAL: Final = _Seal()
