"""A FAKE of the transit engine of Vault, in memory: the seven calls that ``TransitWrapper`` makes, nothing encrypted.

It keeps what it was given under random names, and answers as the engine's documentation says: 400 to what does not
decrypt and to versions below ``min_decryption_version``, 403 to another token, 404 to a key that is not there, and no
trimming before both minimal versions are raised. It proves nothing of Vault itself.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any, Final

from ostiary.keys.envelope_http import Answer

TOKEN: Final = "hvs.fake"  # noqa: S105 - of a fake
_OK: Final = 200
_NO_CONTENT: Final = 204
_BAD: Final = 400
_FORBIDDEN: Final = 403
_MISSING: Final = 404


class _Key:
    def __init__(self) -> None:
        self.latest = 1
        self.available = 1
        self.decrypts = 1
        self.encrypts = 0
        self.deletable = False
        self.wrapped: dict[str, tuple[str, str]] = {}

    def told(self) -> dict[str, Any]:
        return {
            "latest_version": self.latest,
            "min_available_version": self.available,
            "min_decryption_version": self.decrypts,
            "min_encryption_version": self.encrypts,
        }


class FakeTransit:
    """Implements ``Send``; ``asked`` holds method and path of each request, ``down`` makes it answer 503."""

    def __init__(self, url: str = "https://vault.example", mount: str = "transit") -> None:
        """Begin without a key."""
        self._base = f"{url}/v1/{mount}/"
        self.keys: dict[str, _Key] = {}
        self.asked: list[tuple[str, str]] = []
        self.down = False

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request."""
        if not url.startswith(self._base):
            return Answer(_MISSING, {})
        path = url.removeprefix(self._base)
        self.asked.append((method, path))
        if self.down:
            return Answer(503, {"errors": ["Vault is sealed"]})
        if headers.get("x-vault-token") != TOKEN:
            return Answer(_FORBIDDEN, {"errors": ["permission denied"]})
        verb, name, *then = path.split("/")
        told = json.loads(body) if body else {}
        return self._keys(method, name, then, told) if verb == "keys" else self._crypt(verb, name, told)

    def _keys(self, method: str, name: str, then: list[str], told: dict[str, Any]) -> Answer:
        if method == "POST" and not then:
            self.keys.setdefault(name, _Key())
            return Answer(_OK, {"data": self.keys[name].told()})
        key = self.keys.get(name)
        if key is None:
            return Answer(_MISSING if method == "GET" else _BAD, {"errors": []})
        if method == "GET":
            return Answer(_OK, {"data": key.told()})
        if method == "DELETE":
            if not key.deletable:
                return Answer(_BAD, {"errors": ["deletion is not allowed for this key"]})
            del self.keys[name]
            return Answer(_NO_CONTENT, {})
        return {"rotate": self._rotate, "config": self._config, "trim": self._trim}[then[0]](key, told)

    @staticmethod
    def _rotate(key: _Key, _: dict[str, Any]) -> Answer:
        key.latest += 1
        return Answer(_OK, {"data": key.told()})

    @staticmethod
    def _config(key: _Key, told: dict[str, Any]) -> Answer:
        key.decrypts = told.get("min_decryption_version", key.decrypts)
        key.encrypts = told.get("min_encryption_version", key.encrypts)
        key.deletable = told.get("deletion_allowed", key.deletable)
        return Answer(_OK, {"data": key.told()})

    @staticmethod
    def _trim(key: _Key, told: dict[str, Any]) -> Answer:
        wanted = told["min_available_version"]
        if not 0 < wanted <= min(key.decrypts, key.encrypts):
            return Answer(_BAD, {"errors": ["minimum available version cannot be higher than the minimum versions"]})
        key.available = wanted
        key.wrapped = {name: one for name, one in key.wrapped.items() if int(name.split(":")[1][1:]) >= wanted}
        return Answer(_NO_CONTENT, {})

    def _crypt(self, verb: str, name: str, told: dict[str, Any]) -> Answer:
        key = self.keys.get(name)
        if key is None:
            return Answer(_BAD, {"errors": ["encryption key not found"]})
        if verb == "encrypt":
            token = base64.b64encode(secrets.token_bytes(60)).decode()
            sealed = f"vault:v{key.latest}:{token}"
            key.wrapped[sealed] = (told["plaintext"], told["associated_data"])
            return Answer(_OK, {"data": {"ciphertext": sealed, "key_version": key.latest}})
        version = told["ciphertext"].split(":")[1:2]
        kept = key.wrapped.get(told["ciphertext"])
        if kept is None or kept[1] != told["associated_data"] or int(version[0][1:]) < key.decrypts:
            return Answer(_BAD, {"errors": ["cipher: message authentication failed"]})
        return Answer(_OK, {"data": {"plaintext": kept[0]}})
