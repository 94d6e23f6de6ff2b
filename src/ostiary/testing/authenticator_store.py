"""Passkeys in memory, with the same promises as on disk but for surviving the process.

>>> MemoryAuthenticators().of_subject("acme", "user:ann")
[]
"""

import threading

import msgspec

from ostiary.identity.webauthn.ports import MAX_OPEN, Added, Invitation, Recovery
from ostiary.identity.webauthn.types import Authenticator


class MemoryAuthenticators:
    """Implements ``identity.webauthn.ports.Passkeys``."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.RLock()
        self._holders: set[tuple[str, str]] = set()
        self._kept: dict[tuple[str, str], Authenticator] = {}
        self._invitations: dict[str, Invitation] = {}
        self._recoveries: dict[tuple[str, str], Recovery] = {}

    def add(self, authenticator: Authenticator, *, most: int, first: bool) -> Added:
        """Keep a new passkey, unless there are too many or it is known."""
        one = authenticator
        with self._lock:
            count = len(self.of_subject(one.tenant, one.subject))
            if first and self.had(one.tenant, one.subject):
                return "not_first"
            if count >= most:
                return "limit"
            known = self._kept.setdefault((one.tenant, one.credential_id), one)
            if known is not one:
                return "exists"
            self._holders.add((one.tenant, one.subject))
            return "added"

    def taken(self, tenant: str, credential_id: str) -> bool:
        """Return whether anybody of a tenant has this passkey."""
        return (tenant, credential_id) in self._kept

    def had(self, tenant: str, subject: str) -> bool:
        """Return whether a subject has or had a passkey, since all of it was last removed."""
        return (tenant, subject) in self._holders

    def of_subject(self, tenant: str, subject: str) -> list[Authenticator]:
        """Return a subject's passkeys, oldest first."""
        with self._lock:
            found = [one for one in self._kept.values() if (one.tenant, one.subject) == (tenant, subject)]
        return sorted(found, key=lambda one: (one.created_ns, one.credential_id))

    def used(self, tenant: str, subject: str, credential_id: str, *, before: int, sign_count: int, at_ns: int) -> bool:
        """Note a use, if the passkey is there and its counter still ``before``."""
        with self._lock:
            one = self._find(tenant, subject, credential_id)
            if one is None or one.sign_count != before:
                return False
            changed = msgspec.structs.replace(one, sign_count=sign_count, used_ns=at_ns)
            self._kept[tenant, credential_id] = changed
            return True

    def rename(self, tenant: str, subject: str, credential_id: str, name: str) -> bool:
        """Give it another name."""
        with self._lock:
            one = self._find(tenant, subject, credential_id)
            if one is not None:
                self._kept[tenant, credential_id] = msgspec.structs.replace(one, name=name)
            return one is not None

    def remove(self, tenant: str, subject: str, credential_id: str) -> bool:
        """Forget it."""
        with self._lock:
            if self._find(tenant, subject, credential_id) is None:
                return False
            del self._kept[tenant, credential_id]
            return True

    def remove_all(self, tenant: str, subject: str) -> int:
        """Forget all of a subject."""
        with self._lock:
            gone = self.of_subject(tenant, subject)
            for one in gone:
                del self._kept[tenant, one.credential_id]
            mine = (tenant, subject)
            self._holders.discard(mine)
            self._invitations = {k: v for k, v in self._invitations.items() if (v.tenant, v.subject) != mine}
            self._recoveries = {k: v for k, v in self._recoveries.items() if (v.tenant, v.subject) != mine}
            return len(gone)

    def begin_anew(self, tenant: str, subject: str) -> int:
        """Forget all of a subject but that it had a passkey."""
        with self._lock:
            had, gone = self.had(tenant, subject), self.remove_all(tenant, subject)
            self._holders.update({(tenant, subject)} if had else ())
            return gone

    def save_invitation(self, invitation: Invitation) -> None:
        """Keep one, and no more than the newest few of its subject."""
        with self._lock:
            self._invitations[invitation.token_hash] = invitation
            mine = (invitation.tenant, invitation.subject)
            open_ones = [one for one in self._invitations.values() if (one.tenant, one.subject) == mine]
            for old in sorted(open_ones, key=lambda one: -one.created_ns)[MAX_OPEN:]:
                del self._invitations[old.token_hash]

    def find_invitation(self, token_hash: str) -> Invitation | None:
        """Return the one with this hash."""
        return self._invitations.get(token_hash)

    def take_invitation(self, token_hash: str) -> bool:
        """Use one up."""
        with self._lock:
            return self._invitations.pop(token_hash, None) is not None

    def save_recovery(self, recovery: Recovery) -> None:
        """Keep one, and no more than the newest few of its subject."""
        with self._lock:
            self._recoveries[recovery.tenant, recovery.recovery_id] = recovery
            mine = (recovery.tenant, recovery.subject)
            open_ones = [one for one in self._recoveries.values() if (one.tenant, one.subject) == mine]
            for old in sorted(open_ones, key=lambda one: -one.created_ns)[MAX_OPEN:]:
                del self._recoveries[old.tenant, old.recovery_id]

    def find_recovery(self, tenant: str, recovery_id: str) -> Recovery | None:
        """Return one."""
        return self._recoveries.get((tenant, recovery_id))

    def recoveries(self, tenant: str) -> list[Recovery]:
        """Return all of a tenant, oldest first."""
        with self._lock:
            found = [one for one in self._recoveries.values() if one.tenant == tenant]
        return sorted(found, key=lambda one: (one.created_ns, one.recovery_id))

    def take_recovery(self, tenant: str, recovery_id: str) -> bool:
        """Use one up."""
        with self._lock:
            return self._recoveries.pop((tenant, recovery_id), None) is not None

    def _find(self, tenant: str, subject: str, credential_id: str) -> Authenticator | None:
        one = self._kept.get((tenant, credential_id))
        return one if one is not None and one.subject == subject else None
