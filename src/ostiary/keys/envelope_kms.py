"""Tenant keys in a cloud's key management service: AWS KMS through its HTTP interface, and whatever speaks like it.

- One KMS key a version; the alias ``alias/PREFIX-TENANT`` names the one that wraps. They never leave the service.
- What is wrapped is bound by the encryption context: the tenant, and a digest of where the data key belongs. Both
  stand in the cloud's own trail of who used which key when; neither names a user.
- Keys are made, retired and shredded under the folder's lock: two who make one tenant's first key at once would leave
  one that nobody knows, and a shredding would miss it.
- ``retire`` and ``shred`` disable a key at once and schedule its destruction. AWS waits seven days at least, and in
  these days whoever administers the cloud account can take it back: that is the cloud's rule, not ours.
- No SDK: five calls of JSON with signature version 4 (``envelope_sigv4``) do not justify boto3 at run time; tests hold
  them against moto's KMS.

See https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html.
"""

import base64
import binascii
from pathlib import Path
from typing import Any, Final

import msgspec
from typing_extensions import override

from ostiary.errors import RefusedError, UnavailableError, VerificationError
from ostiary.keys.envelope_http import Answer, HttpSend, Send, checked_url
from ostiary.keys.envelope_ports import Wrapped
from ostiary.keys.envelope_sigv4 import Credentials, signed
from ostiary.keys.files import locked, private_folder, read_private, write_private
from ostiary.keys.hashing import sha256_hex
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import check_tenant

_OK: Final = 200
_DAYS: Final = 7
_TOMBSTONE: Final = b"shredded\n"
_GONE: Final = frozenset({"DisabledException", "KMSInvalidStateException", "NotFoundException"})
_ALTERED: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException", "AccessDeniedException"})


class KmsSettings(msgspec.Struct, frozen=True):
    """Where the service is, and who we are there.

    Attributes:
        url: such as ``https://kms.eu-central-1.amazonaws.com``.
        region: such as ``eu-central-1``.
        credentials_file: private file, JSON with ``access_key``, ``secret_key`` and optionally ``session_token``.
        prefix: of the aliases.
    """

    url: str
    region: str
    credentials_file: Path
    prefix: str = "ostiary-conversations"

    @override
    def __repr__(self) -> str:
        """Name the service only."""
        return f"KmsSettings({self.url!r})"


class KmsWrapper:
    """Implements ``KeyWrapper`` over KMS."""

    def __init__(self, settings: KmsSettings, folder: Path, clock: Clock, send: Send | None = None) -> None:
        """Ask the service of ``settings``; which keys a tenant has had is kept in ``folder``, without a secret.

        Raises:
            FaultyInputError: ``key_service_url_invalid``.
        """
        self._settings = settings
        self._url = checked_url(settings.url)
        self._folder = folder
        self._clock = clock
        self._send = send or HttpSend()

    def wrap(self, tenant: str, key: bytes, bound: bytes) -> Wrapped:
        """Wrap a key under the key that the alias names."""
        key_id = self.current(tenant)
        told = {"KeyId": key_id, "Plaintext": _text(key), "EncryptionContext": _context(tenant, bound)}
        answer = self._data(self._ask("Encrypt", told))
        return Wrapped(key_id, _bytes(answer, "CiphertextBlob"))

    def unwrap(self, tenant: str, wrapped: Wrapped, bound: bytes) -> bytes:
        """Return the key."""
        self._check_living(tenant)
        if wrapped.version not in self._known(tenant):  # whoever writes the key folder must not choose the key
            raise VerificationError("sealed_data_refused", "the wrapped key names a key that is not this tenant's")
        answer = self._ask(
            "Decrypt",
            {
                "KeyId": wrapped.version,
                "CiphertextBlob": _text(wrapped.sealed),
                "EncryptionContext": _context(tenant, bound),
            },
        )
        kind = _kind(answer)
        if kind in _GONE:
            raise RefusedError("key_destroyed", "the key that wrapped this was disabled or destroyed")
        if kind in _ALTERED:
            raise VerificationError("sealed_data_refused", "the wrapped key was altered, or is another's")
        return _bytes(self._data(answer), "Plaintext")

    def current(self, tenant: str) -> str:
        """Return the id of the key that the alias names."""
        self._check_living(tenant)
        return self._named(tenant) or self._make(tenant, first=True)

    def rotate(self, tenant: str) -> str:
        """Make another key and let the alias name it."""
        self.current(tenant)
        return self._make(tenant, first=False)

    def retire(self, tenant: str, kept: str) -> int:
        """Disable every older key and have it destroyed."""
        with locked(private_folder(self._folder)):
            known = self._known(tenant)
            gone = known[: known.index(kept)] if kept in known else []
            for key_id in gone:
                self._destroy(key_id)
            self._keep(tenant, [key_id for key_id in known if key_id not in gone])
            return len(gone)

    def shred(self, tenant: str) -> None:
        """Disable all keys and have them destroyed."""
        with locked(private_folder(self._folder)):
            write_private(self._folder / f"{check_tenant(tenant)}.shredded", _TOMBSTONE)
            for key_id in self._known(tenant):
                self._destroy(key_id)

    def _named(self, tenant: str) -> str:
        """Return the id of the key that the alias names, empty when there is no alias."""
        answer = self._ask("DescribeKey", {"KeyId": self._alias(tenant)})
        if _kind(answer) == "NotFoundException":
            return ""
        key_id = str(self._data(answer).get("KeyMetadata", {}).get("KeyId", ""))
        if key_id not in self._known(tenant):
            raise VerificationError("key_alias_moved", "the alias names a key that this deployment did not make")
        return key_id

    def _make(self, tenant: str, *, first: bool) -> str:
        with locked(private_folder(self._folder)):
            self._check_living(tenant)
            if first and (found := self._named(tenant)):  # somebody else made it meanwhile
                return found
            told = {"Description": f"ostiary: conversations of {tenant}", "KeyUsage": "ENCRYPT_DECRYPT"}
            key_id = str(self._data(self._ask("CreateKey", told)).get("KeyMetadata", {}).get("KeyId", ""))
            # Known before it is used: a crash in between leaves a key that wraps nothing; the next retirement ends it.
            self._keep(tenant, [*self._known(tenant), key_id])
            verb = "CreateAlias" if first else "UpdateAlias"
            self._data(self._ask(verb, {"AliasName": self._alias(tenant), "TargetKeyId": key_id}))
            return key_id

    def _destroy(self, key_id: str) -> None:
        for verb, told in (("DisableKey", {}), ("ScheduleKeyDeletion", {"PendingWindowInDays": _DAYS})):
            answer = self._ask(verb, {"KeyId": key_id, **told})
            if _kind(answer) not in _GONE:  # scheduled before, or gone altogether: done
                self._data(answer)

    def _known(self, tenant: str) -> list[str]:
        path = self._folder / f"{check_tenant(tenant)}.ids"
        return read_private(path).decode().split() if path.exists() else []

    def _keep(self, tenant: str, ids: list[str]) -> None:
        write_private(self._folder / f"{check_tenant(tenant)}.ids", "\n".join(ids).encode())

    def _check_living(self, tenant: str) -> None:
        if (self._folder / f"{check_tenant(tenant)}.shredded").exists():
            raise RefusedError("tenant_shredded", "the key of this tenant was erased, its data cannot be read")

    def _alias(self, tenant: str) -> str:
        return f"alias/{self._settings.prefix}-{check_tenant(tenant)}"

    def _ask(self, verb: str, told: dict[str, Any]) -> Answer:
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"TrentService.{verb}"}
        body = msgspec.json.encode(told)
        credentials = Credentials.read(self._settings.credentials_file)
        now_ns, region = self._clock.now_ns(), self._settings.region
        return self._send("POST", self._url + "/", signed(credentials, region, self._url, headers, body, now_ns), body)

    @staticmethod
    def _data(answer: Answer) -> dict[str, Any]:
        if answer.status != _OK:
            raise UnavailableError("key_unavailable", f"the key service answered {answer.status} {_kind(answer)[:60]}")
        return answer.told


def _kind(answer: Answer) -> str:
    """Return the name of the service's error, without its name space; empty when there is none."""
    return "" if answer.status == _OK else str(answer.told.get("__type", "")).rpartition("#")[2]


def _context(tenant: str, bound: bytes) -> dict[str, str]:
    return {"tenant": tenant, "place": sha256_hex(bound)}


def _bytes(told: dict[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(str(told[name]), validate=True)
    except (binascii.Error, KeyError):
        raise UnavailableError("key_unavailable", "the key service's answer makes no sense") from None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
