"""What signing needs of a key, so that a key in hardware serves as well as one of ``ostiary.keys``."""

from typing import Protocol


class Signer(Protocol):
    """A private key that signs bytes."""

    @property
    def kid(self) -> str:
        """Name of the key, repeated in the envelope as a hint."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Return the signature over ``data``."""
        ...


class Verifier(Protocol):
    """A public key that checks signatures; equal and of one hash when the key material is the same."""

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Return whether ``signature`` is this key's over ``data``; never raises for odd bytes."""
        ...
