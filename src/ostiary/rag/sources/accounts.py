"""Which account of the machine an asker is: the kernel's numbers, never names, decide on files.

An asker without an account has no rights. Root is nobody's account here. Names of groups may change and names of people
may be given again; the numbers of an account that was deleted and made anew are other ones, and old files stay closed.
"""

import grp
import os
import pwd
from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from ostiary.errors import FaultyInputError

MAX_GIDS: Final = 65_536


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Numbers of one account."""

    uid: int
    gids: tuple[int, ...] = ()


class Accounts(Protocol):
    """Finds accounts."""

    def find(self, subject: str) -> Account | None:
        """Return the account of ``type:id``, or ``None``."""
        ...


class SystemAccounts:
    """The machine's own: an asker ``user:ada`` is the account ``ada``."""

    def find(self, subject: str) -> Account | None:
        """Return the account as the machine knows it now."""
        kind, _, name = subject.partition(":")
        try:
            found = pwd.getpwnam(name) if kind == "user" and name else None
        except (KeyError, ValueError):
            return None
        if found is None or found.pw_uid == 0:
            return None
        return Account(found.pw_uid, tuple(os.getgrouplist(name, found.pw_gid)[:MAX_GIDS]))


class ListedAccounts:
    """Accounts as an administrator wrote them down, by ``type:id``."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        """Take them.

        Raises:
            FaultyInputError: ``source_invalid``: somebody would be root.
        """
        if any(one.uid <= 0 or any(gid < 0 for gid in one.gids) for one in accounts.values()):
            raise FaultyInputError("source_invalid", "no asker is root, and no number is negative")
        self._accounts = dict(accounts)

    def find(self, subject: str) -> Account | None:
        """Return the account that stands there."""
        return self._accounts.get(subject)


def group_name(gid: int) -> str:
    """Return what the machine calls a group now, for showing to people."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
