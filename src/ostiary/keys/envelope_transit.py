"""Tenant keys in the transit engine of HashiCorp Vault or OpenBao: they never leave it.

- One key a tenant, ``PREFIX-TENANT``, type ``aes256-gcm96``; what is wrapped is bound by ``associated_data``.
- ``rotate`` adds a version. ``retire`` raises ``min_decryption_version`` and trims: older versions are destroyed in the
  engine itself, so that copies of what they wrapped are unreadable wherever they lie.
- ``shred`` deletes the key. The engine would make a new one under its name; a tombstone in the folder says no.
- The token is read from its file at each request, so that an agent may renew it. It needs ``update`` on
  ``transit/encrypt|decrypt/PREFIX-*``, ``create``, ``read``, ``update`` and ``delete`` on ``transit/keys/PREFIX-*``.

See https://developer.hashicorp.com/vault/api-docs/secret/transit.
"""

import base64
import binascii
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.errors import RefusedError, UnavailableError, VerificationError
from ostiary.keys.envelope_http import Answer, HttpSend, Send, checked_url
from ostiary.keys.envelope_ports import Wrapped
from ostiary.keys.files import private_folder, read_private, write_private
from ostiary.vocabulary.ids import check_tenant

_OK: Final = 200
_NO_CONTENT: Final = 204
_BAD: Final = 400
_MISSING: Final = 404
_TOMBSTONE: Final = b"shredded\n"


class TransitSettings(msgspec.Struct, frozen=True):
    """Where the engine is.

    Attributes:
        url: of Vault, such as ``https://vault.example:8200``.
        token_file: private file with the token.
        mount: of the engine.
        prefix: of the keys' names.
        namespace: of Vault Enterprise or OpenBao; empty where there is none.
    """

    url: str
    token_file: Path
    mount: str = "transit"
    prefix: str = "ostiary-conversations"
    namespace: str = ""


class TransitWrapper:
    """Implements ``KeyWrapper`` over the transit engine."""

    def __init__(self, settings: TransitSettings, tombstones: Path, send: Send | None = None) -> None:
        """Ask the engine of ``settings``; names of shredded tenants are kept in the folder ``tombstones``.

        Raises:
            FaultyInputError: ``key_service_url_invalid``.
        """
        self._settings = settings
        self._base = f"{checked_url(settings.url)}/v1/{settings.mount.strip('/')}"
        self._tombstones = tombstones
        self._send = send or HttpSend()

    def wrap(self, tenant: str, key: bytes, bound: bytes) -> Wrapped:
        """Wrap a key under the newest version."""
        self._check_living(tenant)
        told = {"plaintext": _text(key), "associated_data": _text(bound)}
        # Encrypting under a name that is not there would make a key of the engine's default kind: ours is made first.
        self._latest(tenant)
        data = self._data("encrypt", tenant, told)
        sealed = str(data.get("ciphertext", ""))
        return Wrapped(_version(sealed), sealed.encode())

    def unwrap(self, tenant: str, wrapped: Wrapped, bound: bytes) -> bytes:
        """Return the key."""
        self._check_living(tenant)
        sealed = wrapped.sealed.decode("ascii", "replace")
        answer = self._ask("POST", "decrypt", tenant, {"ciphertext": sealed, "associated_data": _text(bound)})
        if answer.status == _BAD:
            raise self._no(tenant, wrapped)
        try:
            return base64.b64decode(str(_data(answer)["plaintext"]), validate=True)
        except (binascii.Error, KeyError):
            raise _away("the transit engine's answer makes no sense") from None

    def current(self, tenant: str) -> str:
        """Return the newest version."""
        self._check_living(tenant)
        return str(self._latest(tenant)[0])

    def rotate(self, tenant: str) -> str:
        """Add a version."""
        self._check_living(tenant)
        self._latest(tenant)
        _data(self._ask("POST", "keys", tenant, {}, "/rotate"))
        return str(self._latest(tenant)[0])

    def retire(self, tenant: str, kept: str) -> int:
        """Destroy what is older than ``kept``."""
        oldest, least = self._latest(tenant)[1], int(kept)
        if least <= oldest:
            return 0
        floor = {"min_decryption_version": least, "min_encryption_version": least}
        _data(self._ask("POST", "keys", tenant, floor, "/config"))
        _data(self._ask("POST", "keys", tenant, {"min_available_version": least}, "/trim"))
        return least - oldest

    def shred(self, tenant: str) -> None:
        """Delete the key."""
        write_private(private_folder(self._tombstones) / f"{check_tenant(tenant)}.shredded", _TOMBSTONE)
        answer = self._ask("POST", "keys", tenant, {"deletion_allowed": True}, "/config")
        if answer.status in {_BAD, _MISSING} and self._ask("GET", "keys", tenant, {}).status == _MISSING:
            return  # it never had one, or it is gone already; whatever else is refused leaves the key alive
        _data(answer)
        _data(self._ask("DELETE", "keys", tenant, {}))

    def _latest(self, tenant: str) -> tuple[int, int]:
        """Return the newest and the oldest version that the engine has; a key is made on first use."""
        answer = self._ask("GET", "keys", tenant, {})
        if answer.status == _MISSING:
            _data(self._ask("POST", "keys", tenant, {"type": "aes256-gcm96", "exportable": False}))
            answer = self._ask("GET", "keys", tenant, {})
        data = _data(answer)
        return int(data.get("latest_version", 0)), max(1, int(data.get("min_available_version", 1)))

    def _no(self, tenant: str, wrapped: Wrapped) -> RefusedError:
        """Say why the engine did not unwrap: it answers 400 to what was altered and to versions that are gone."""
        newest, oldest = self._latest(tenant)
        if wrapped.version.isdecimal() and oldest <= int(wrapped.version) <= newest:
            return VerificationError("sealed_data_refused", "the wrapped key was altered, or is another's")
        return RefusedError("key_destroyed", f"version `{wrapped.version[:20]}` of this tenant's key was destroyed")

    def _check_living(self, tenant: str) -> None:
        if (self._tombstones / f"{check_tenant(tenant)}.shredded").exists():
            raise RefusedError("tenant_shredded", "the key of this tenant was erased, its data cannot be read")

    def _data(self, verb: str, tenant: str, told: dict[str, Any]) -> dict[str, Any]:
        return _data(self._ask("POST", verb, tenant, told))

    def _ask(self, method: str, verb: str, tenant: str, told: dict[str, Any], then: str = "") -> Answer:
        url = f"{self._base}/{verb}/{self._settings.prefix}-{check_tenant(tenant)}{then}"
        token = read_private(self._settings.token_file).decode("ascii", "replace").strip()
        headers = {"x-vault-token": token, "x-vault-request": "true", "content-type": "application/json"}
        if self._settings.namespace:
            headers["x-vault-namespace"] = self._settings.namespace
        return self._send(method, url, headers, msgspec.json.encode(told) if told or method == "POST" else b"")


def _data(answer: Answer) -> dict[str, Any]:
    if answer.status not in {_OK, _NO_CONTENT}:
        raise _away(f"the transit engine answered {answer.status}")
    data = answer.told.get("data")
    return data if isinstance(data, dict) else {}


def _version(sealed: str) -> str:
    """Return the version in ``vault:v3:…``."""
    parts = sealed.split(":")
    if len(parts) != 3 or not parts[1][1:].isdecimal():  # noqa: PLR2004 - the three parts above
        raise _away("the transit engine's answer makes no sense")
    return parts[1][1:]


def _away(text: str) -> UnavailableError:
    return UnavailableError("key_unavailable", text)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
