"""Rotation under load: the next data key of a user, older messages under it, the next key of a tenant.

- ``turn`` begins a user's next epoch: whatever is appended from then on is sealed under a new data key. Nobody waits.
- ``reencrypt`` brings what is older under the current epoch, conversation by conversation, in the background; a data
  key under which nothing is left is destroyed (``Shredding.tend``).
- ``rewrap`` makes the tenant's next key and wraps all data keys by it. No message is touched; then the tenant's old
  key is destroyed. It may be broken off at any point: begun anew, it goes on.
"""

import msgspec

from ostiary.errors import OstiaryError, RefusedError, VerificationError
from ostiary.gateway.conversations import chain
from ostiary.gateway.conversations.changes import ChangeRecord
from ostiary.gateway.conversations.parts import Parts
from ostiary.gateway.conversations.sealing import open_messages, seal_head, seal_messages


class Progress(msgspec.Struct, frozen=True):
    """How far a re-encryption is.

    Attributes:
        done: conversations of this round.
        left: conversations that hold something of an older epoch.
        failed: ids of those that could not be read, with the error's code.
    """

    done: int
    left: int
    failed: dict[str, str]


class Rewrapped(msgspec.Struct, frozen=True):
    """What wrapping anew did: how many users' keys, and how many versions of the tenant's key are destroyed."""

    users: int
    destroyed: int
    version: str


class Rotation:
    """Replaces keys."""

    def __init__(self, parts: Parts) -> None:
        """Work on shared parts."""
        self._parts = parts

    def turn(self, tenant: str, user: str, decision: str = "") -> int:
        """Begin a user's next epoch and return it.

        Raises:
            RefusedError: ``user_unknown``: there is nothing of this user.
        """
        owner = self._parts.keys.owner(tenant, user)
        if self._parts.store.owner(tenant, owner) is None:
            raise RefusedError("user_unknown", "this user has no conversations")
        return self._turn(tenant, owner, decision)

    def turn_all(self, tenant: str, decision: str = "") -> int:
        """Begin the next epoch of every user of a tenant; return how many there are."""
        owners = self._parts.store.owners(tenant)
        for row in owners:
            self._turn(tenant, row.owner, decision)
        return len(owners)

    def reencrypt(self, tenant: str, most: int = 100, user: str = "") -> Progress:
        """Bring up to ``most`` conversations under their owners' current epochs."""
        parts, after, done = self._parts, "", 0
        failed: dict[str, str] = {}
        wanted = parts.keys.owner(tenant, user) if user else ""
        while done < most and (found := parts.store.stale(tenant, 100, after)):
            for owner, conversation in found:
                after = conversation
                if wanted and owner != wanted:
                    continue
                if done == most:
                    break
                try:
                    self._reencrypt(tenant, owner, conversation)
                    done += 1
                except OstiaryError as fault:  # the others can still be brought over; this one is told
                    failed[conversation] = fault.code
        return Progress(done, parts.store.stale_count(tenant), failed)

    def rewrap(self, tenant: str, decision: str = "") -> Rewrapped:
        """Make the tenant's next key, wrap all data keys by it, and destroy the old one."""
        parts = self._parts
        version = parts.keys.wrapper.rotate(tenant)
        return self.finish_rewrap(tenant, version, decision)

    def finish_rewrap(self, tenant: str, version: str, decision: str = "") -> Rewrapped:
        """Wrap what is not wrapped by the tenant's current key yet, then destroy every other version."""
        parts = self._parts
        users = sum(1 for _ in parts.keys.rewrap(tenant))
        parts.changes.note(tenant, ChangeRecord("rewrap", decision=decision))
        parts.keys.drop_cache()
        return Rewrapped(users, parts.keys.wrapper.retire(tenant, version), version)

    def _turn(self, tenant: str, owner: str, decision: str) -> int:
        turned: list[int] = []

        def step() -> bool:
            row = self._parts.store.owner(tenant, owner)
            if row is None:
                return True
            turned[:] = [row.epoch + 1]
            return self._parts.turn(tenant, row, decision)

        self._parts.repeat(step)
        return turned[0] if turned else 0

    def _reencrypt(self, tenant: str, owner: str, conversation: str) -> None:
        parts = self._parts

        def step() -> bool:
            row, head = parts.opened(tenant, owner, conversation)
            rows = parts.store.messages(tenant, conversation, 0)
            first = chain.start(tenant, owner, conversation)
            try:
                chain.check(rows, 0, head.count, head.link, first)
            except VerificationError:
                if parts.found(tenant, owner, conversation) != row:
                    return False
                raise
            epoch = parts.epoch_for(tenant, owner, head.count + 1).epoch
            bodies = open_messages(parts.keys, tenant, row, rows)
            fresh = msgspec.structs.replace(row, generation=row.generation + 1, epoch=epoch, oldest=epoch, head=b"")
            sealed, link = seal_messages(parts.keys, tenant, fresh, bodies, 0, first)
            again = msgspec.structs.replace(head, link=link)
            fresh = msgspec.structs.replace(fresh, head=seal_head(parts.keys, tenant, fresh, again))
            return parts.changes.commit(
                tenant, fresh, "reencrypt", "", lambda: parts.store.replace(tenant, fresh, sealed, len(sealed) + 1)
            )

        with parts.locks.of(conversation):
            parts.repeat(step)
