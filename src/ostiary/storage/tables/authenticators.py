"""Passkeys, invitations and recoveries; ``AuthenticatorTable`` implements ``identity.webauthn.ports.Passkeys``.

What changes in a row's life is a column of its own; the rest is the value as it was made.
"""

import msgspec

from ostiary.identity.webauthn.ports import MAX_OPEN, Added, Invitation, Recovery
from ostiary.identity.webauthn.types import Authenticator
from ostiary.storage.tables.database import Database, Row


class AuthenticatorTable:
    """Passkeys by tenant, subject and credential id."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def add(self, authenticator: Authenticator, *, most: int, first: bool) -> Added:
        """Keep a new passkey, unless there are too many or it is known."""
        one = authenticator
        with self._database.transaction() as database:
            count = database.read_inside("count_authenticators", one.tenant, one.subject)[0][0]
            if first and database.read_inside("find_holder", one.tenant, one.subject):
                return "not_first"
            if count >= most:
                return "limit"
            values = (one.tenant, one.credential_id, one.subject, one.sign_count, one.name, one.used_ns, one.created_ns)
            added = database.write("add_authenticator", *values, msgspec.msgpack.encode(one))
            if not added:
                return "exists"
            database.write("add_holder", one.tenant, one.subject)
            return "added"

    def taken(self, tenant: str, credential_id: str) -> bool:
        """Return whether anybody of a tenant has this passkey."""
        return bool(self._database.read("find_authenticator", tenant, credential_id))

    def had(self, tenant: str, subject: str) -> bool:
        """Return whether a subject has or had a passkey, since all of it was last removed."""
        return bool(self._database.read("find_holder", tenant, subject))

    def of_subject(self, tenant: str, subject: str) -> list[Authenticator]:
        """Return a subject's passkeys, oldest first."""
        return [_authenticator(row) for row in self._database.read("authenticators_of", tenant, subject)]

    def used(self, tenant: str, subject: str, credential_id: str, *, before: int, sign_count: int, at_ns: int) -> bool:
        """Note a use, if the passkey is there and its counter still ``before``."""
        where = (tenant, subject, credential_id, before)
        return self._database.write("use_authenticator", sign_count, at_ns, *where) == 1

    def rename(self, tenant: str, subject: str, credential_id: str, name: str) -> bool:
        """Give it another name."""
        return self._database.write("rename_authenticator", name, tenant, subject, credential_id) == 1

    def remove(self, tenant: str, subject: str, credential_id: str) -> bool:
        """Forget it."""
        return self._database.erase("delete_authenticator", [(tenant, subject, credential_id)]) == 1

    def remove_all(self, tenant: str, subject: str) -> int:
        """Forget all of a subject: passkeys, invitations, recoveries."""
        with self._database.transaction() as database:
            database.erase("delete_invitations_of", [(tenant, subject)])
            database.erase("delete_recoveries_of", [(tenant, subject)])
            database.erase("delete_holder", [(tenant, subject)])
            return database.erase("delete_authenticators_of", [(tenant, subject)])

    def begin_anew(self, tenant: str, subject: str) -> int:
        """Forget all of a subject but that it had a passkey."""
        with self._database.transaction() as database:
            database.erase("delete_invitations_of", [(tenant, subject)])
            database.erase("delete_recoveries_of", [(tenant, subject)])
            return database.erase("delete_authenticators_of", [(tenant, subject)])

    def save_invitation(self, invitation: Invitation) -> None:
        """Keep one, and no more than the newest few of its subject."""
        one = invitation
        with self._database.transaction() as database:
            values = (one.token_hash, one.tenant, one.subject, one.created_ns, msgspec.msgpack.encode(one))
            database.write("save_invitation", *values)
            database.write("trim_invitations", one.tenant, one.subject, MAX_OPEN)

    def find_invitation(self, token_hash: str) -> Invitation | None:
        """Return the one with this hash."""
        rows = self._database.read("find_invitation", token_hash)
        return msgspec.msgpack.decode(rows[0][0], type=Invitation) if rows else None

    def take_invitation(self, token_hash: str) -> bool:
        """Use one up."""
        return self._database.erase("take_invitation", [(token_hash,)]) == 1

    def save_recovery(self, recovery: Recovery) -> None:
        """Keep one, and no more than the newest few of its subject."""
        one = recovery
        with self._database.transaction() as database:
            values = (one.tenant, one.recovery_id, one.subject, one.created_ns, msgspec.msgpack.encode(one))
            database.write("save_recovery", *values)
            database.write("trim_recoveries", one.tenant, one.subject, MAX_OPEN)

    def find_recovery(self, tenant: str, recovery_id: str) -> Recovery | None:
        """Return one."""
        rows = self._database.read("find_recovery", tenant, recovery_id)
        return msgspec.msgpack.decode(rows[0][0], type=Recovery) if rows else None

    def recoveries(self, tenant: str) -> list[Recovery]:
        """Return all of a tenant, oldest first."""
        return [msgspec.msgpack.decode(row[0], type=Recovery) for row in self._database.read("recoveries", tenant)]

    def take_recovery(self, tenant: str, recovery_id: str) -> bool:
        """Use one up."""
        return self._database.erase("take_recovery", [(tenant, recovery_id)]) == 1


def _authenticator(row: Row) -> Authenticator:
    sign_count, name, used_ns, kept = row
    made = msgspec.msgpack.decode(kept, type=Authenticator)
    return msgspec.structs.replace(made, sign_count=sign_count, name=name, used_ns=used_ns)
