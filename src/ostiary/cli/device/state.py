"""What the agent keeps: its key and who it is, in a folder that only its user can read.

- The key is made once, mode 0600, and never overwritten; a key file that others can read is refused.
- The number of the next report is on disk before the report leaves, so that no crash makes two with one number.
"""

import os
import stat
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.identity.devices.speaking import Voice
from ostiary.keys import SigningKey
from ostiary.vocabulary.unreadable import UNREADABLE

KEY: Final = "key.pem"
STATE: Final = "device.json"
_MAX: Final = 65_536


class Enrolment(msgspec.Struct, frozen=True):
    """Where the device is enrolled, and as what."""

    url: str
    audience: str
    tenant: str
    device_id: str
    sequence: int = 0


def default_folder() -> Path:
    """Return where the agent keeps its files: the user's state folder (XDG)."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "ostiary-device"


class AgentState:
    """The agent's folder."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``; nothing is made yet."""
        self.folder = folder

    def key(self) -> SigningKey:
        """Return the device's key.

        Raises:
            RefusedError: ``key_permissions``.
            FaultyInputError: ``device_not_enrolled`` or ``key_malformed``.
        """
        return SigningKey.from_pem("device", self._read(KEY))

    def make_key(self) -> SigningKey:
        """Return the device's key, made now unless there is one."""
        if (self.folder / KEY).exists():
            return self.key()
        key = SigningKey.generate("device", "ES256")
        self._write(KEY, key.private_pem(), os.O_EXCL)
        return key

    def enrolment(self) -> Enrolment:
        """Return as what the device is enrolled.

        Raises:
            FaultyInputError: ``device_not_enrolled``, or ``device_state_invalid``.
        """
        try:
            return msgspec.json.decode(self._read(STATE), type=Enrolment)
        except UNREADABLE as fault:
            text = f"`{self.folder / STATE}` is not what the agent wrote: {fault}"
            raise FaultyInputError("device_state_invalid", text) from fault

    def save(self, enrolment: Enrolment) -> None:
        """Keep as what the device is enrolled, all or nothing."""
        self._write(STATE + ".new", msgspec.json.encode(enrolment), os.O_TRUNC)
        (self.folder / (STATE + ".new")).replace(self.folder / STATE)

    def voice(self) -> Voice:
        """Return what speaks for the device."""
        who = self.enrolment()
        return Voice(self.key(), who.audience, who.tenant, who.device_id)

    def next_sequence(self) -> int:
        """Return the number of the next report, kept before it is used."""
        who = self.enrolment()
        self.save(msgspec.structs.replace(who, sequence=who.sequence + 1))
        return who.sequence + 1

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        try:
            with path.open("rb") as file:
                if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                    raise RefusedError("key_permissions", f"`{path}` is open to others: `chmod 600` it")
                return file.read(_MAX)
        except FileNotFoundError as fault:
            text = f"this device is not enrolled: there is no `{path}`; run `ostiary device enrol`"
            raise FaultyInputError("device_not_enrolled", text) from fault
        except OSError as fault:
            raise UnavailableError("device_state_unavailable", f"`{path}` cannot be read: {fault.strerror}") from fault

    def _write(self, name: str, content: bytes, how: int) -> None:
        path = self.folder / name
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as fault:
            text = f"`{path}` cannot be written: {fault.strerror}"
            raise UnavailableError("device_state_unavailable", text) from fault
