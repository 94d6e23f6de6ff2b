"""A person's sign-in on disk: private files, one folder each, the key apart from the tokens.

- 0600 in a folder of 0700, written atomically, refused when looser (``keys.files``).
- Whoever renews holds the folder's lock: a provider that rotates refresh tokens gives a second use of an old one away.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.login.granting import Granted
from ostiary.identity.login.provider import Provider
from ostiary.keys import ES256, SigningKey
from ostiary.keys.files import erase, locked, private_folder, read_private, write_private
from ostiary.vocabulary.unreadable import UNREADABLE

NOT_SIGNED_IN: Final = "not_signed_in"
_KEY: Final = "holder.pem"
_LOGIN: Final = "login.json"
_NAME: Final = "holder"


class Login(msgspec.Struct, frozen=True):
    """One sign-in; ``granted`` is renewed as time goes by."""

    provider: Provider
    client_id: str
    scope: str
    granted: Granted


class LoginStore:
    """The folder of one sign-in."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``; it is made when something is kept."""
        self.folder = folder

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder, so that no other process renews meanwhile."""
        with locked(private_folder(self.folder)):
            yield

    def key(self) -> SigningKey:
        """Return the holder's key, made now when there is none.

        Raises:
            RefusedError: ``key_permissions``.
            UnavailableError: ``key_unavailable``.
        """
        path = private_folder(self.folder) / _KEY
        if not path.exists():
            write_private(path, SigningKey.generate(_NAME, ES256).private_pem())
        return SigningKey.from_pem(_NAME, read_private(path))

    def read(self) -> Login:
        """Return the sign-in.

        Raises:
            RefusedError: ``not_signed_in``; ``key_permissions``.
            UnavailableError: ``key_unavailable``: the file cannot be read, or is damaged.
        """
        path = self.folder / _LOGIN
        if not path.exists():
            raise RefusedError(NOT_SIGNED_IN, "nobody is signed in here: run `ostiary login`")
        try:
            return msgspec.json.decode(read_private(path), type=Login)
        except UNREADABLE as fault:
            raise UnavailableError("key_unavailable", f"`{path}` is damaged: run `ostiary login` again") from fault

    def write(self, login: Login) -> None:
        """Keep a sign-in."""
        write_private(private_folder(self.folder) / _LOGIN, msgspec.json.encode(login))

    def erase(self) -> bool:
        """Forget tokens and key; return whether there were any."""
        was = (self.folder / _LOGIN).exists()
        for name in (_LOGIN, _KEY):
            if (self.folder / name).exists():
                erase(self.folder / name)
        return was
