"""Where passkeys, invitations and recoveries are kept, as Protocols that storage and testing fill.

The contract, held by ``tests/conformance/test_store_authenticators.py``:

- Every call names the tenant; another tenant's is as unknown as what never was.
- ``add``, ``used``, ``take`` and ``decide`` are atomic over threads and processes: of two that race, one wins.
- Everything is durable when the call returns, and erased with the tenant.
"""

from typing import Final, Literal, Protocol

import msgspec

from ostiary.identity.webauthn.types import Authenticator

MAX_AUTHENTICATORS: Final = 10
MAX_OPEN: Final = 5
"""Open invitations, and open recoveries, of one subject: the oldest goes when one more comes."""

Added = Literal["added", "exists", "limit", "not_first"]


class Invitation(msgspec.Struct, frozen=True):
    """A one-time link to a new passkey; only its token's hash is kept.

    Attributes:
        by: key id of the administrator who made it.
        recovery: id of the approved recovery behind it, empty without one.
        proposal: what people agreed to, where it was theirs to agree.
    """

    tenant: str
    subject: str
    token_hash: str
    by: str
    created_ns: int
    expires_ns: int
    recovery: str = ""
    proposal: str = ""


class Recovery(msgspec.Struct, frozen=True):
    """A wish to begin anew because all passkeys are lost; it needs a second administrator."""

    tenant: str
    recovery_id: str
    subject: str
    requested_by: str
    reason: str
    created_ns: int
    expires_ns: int


class AuthenticatorStore(Protocol):
    """Keeps passkeys."""

    def add(self, authenticator: Authenticator, *, most: int, first: bool) -> Added:
        """Keep a new passkey.

        Args:
            authenticator: the passkey.
            most: how many its subject may have.
            first: whether the subject must never have had one, as far as ``had`` knows.

        Returns:
            ``added``; ``exists`` when the tenant has this credential id; ``limit``; ``not_first``.
        """
        ...

    def of_subject(self, tenant: str, subject: str) -> list[Authenticator]:
        """Return a subject's passkeys, oldest first."""
        ...

    def taken(self, tenant: str, credential_id: str) -> bool:
        """Return whether anybody of a tenant has this passkey."""
        ...

    def had(self, tenant: str, subject: str) -> bool:
        """Return whether a subject has or had a passkey, since ``remove_all`` was last called for it."""
        ...

    def used(self, tenant: str, subject: str, credential_id: str, *, before: int, sign_count: int, at_ns: int) -> bool:
        """Note a use; false when the passkey is gone or its counter is no longer ``before``."""
        ...

    def rename(self, tenant: str, subject: str, credential_id: str, name: str) -> bool:
        """Give it another name; return whether it was there."""
        ...

    def remove(self, tenant: str, subject: str, credential_id: str) -> bool:
        """Forget it; return whether it was there."""
        ...

    def remove_all(self, tenant: str, subject: str) -> int:
        """Forget all passkeys, invitations and recoveries of a subject; return how many passkeys that were."""
        ...

    def begin_anew(self, tenant: str, subject: str) -> int:
        """Forget the same, but not that there was a passkey: only a recovery's invitation makes the next one."""
        ...


class InvitationStore(Protocol):
    """Keeps invitations."""

    def save_invitation(self, invitation: Invitation) -> None:
        """Keep one; of more than ``MAX_OPEN`` of a subject the oldest go."""
        ...

    def find_invitation(self, token_hash: str) -> Invitation | None:
        """Return the one with this hash. The token is what proves the tenant, so there is none to name."""
        ...

    def take_invitation(self, token_hash: str) -> bool:
        """Use one up; true for exactly one caller."""
        ...


class RecoveryStore(Protocol):
    """Keeps recoveries that wait for their second administrator."""

    def save_recovery(self, recovery: Recovery) -> None:
        """Keep one; of more than ``MAX_OPEN`` of a subject the oldest go."""
        ...

    def find_recovery(self, tenant: str, recovery_id: str) -> Recovery | None:
        """Return one."""
        ...

    def recoveries(self, tenant: str) -> list[Recovery]:
        """Return all of a tenant, oldest first."""
        ...

    def take_recovery(self, tenant: str, recovery_id: str) -> bool:
        """Use one up; true for exactly one caller."""
        ...


class Passkeys(AuthenticatorStore, InvitationStore, RecoveryStore, Protocol):
    """All three in one place."""
