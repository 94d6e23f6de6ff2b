"""Reports that others rely on: kept as they are, signed, and named by the digest of their bytes.

A gate or an approval names a report by its digest; what was measured cannot change afterwards, only be measured anew.
Kinds: ``impact``, ``shadow``, ``redteam``, ``quality``, ``figures``.

>>> digest_of(b"{}")
'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
"""

from typing import Final

import msgspec

from ostiary.errors import RefusedError, VerificationError
from ostiary.keys import KeyRing, sha256_hex
from ostiary.server.knowledge import SnapshotStore
from ostiary.vocabulary.unreadable import UNREADABLE

PURPOSE: Final = "reports"
KIND: Final = "report"
_LATEST: Final = "report_latest"
_DOMAIN: Final = b"ostiary.report.v1\0"


class Report(msgspec.Struct, frozen=True):
    """One kept report.

    Attributes:
        kind: what was measured.
        about: of what: a model's digest, a bundle's, a control's name.
        at_ns: when.
        body: its bytes, JSON.
        kid, signature: of the deployment's key over kind, subject, time and body.
    """

    kind: str
    about: str
    at_ns: int
    body: bytes
    kid: str = ""
    signature: bytes = b""

    @property
    def digest(self) -> str:
        """By this it is named."""
        return digest_of(self.signed)

    @property
    def signed(self) -> bytes:
        """What is signed."""
        head = msgspec.json.encode([self.kind, self.about, self.at_ns])
        return _DOMAIN + len(head).to_bytes(4, "big") + head + self.body


class Reports:
    """The shelf of a deployment's reports, by tenant."""

    def __init__(self, store: SnapshotStore, ring: KeyRing) -> None:
        """Keep them in ``store``, signed with the tenant's key for reports."""
        self._store = store
        self._ring = ring

    def keep(self, tenant: str, kind: str, about: str, body: bytes, now_ns: int) -> Report:
        """Sign and keep one; it is the newest of its kind about its subject from now on."""
        bare = Report(kind, about, now_ns, body)
        key = self._ring.active(tenant, PURPOSE)
        made = msgspec.structs.replace(bare, kid=key.kid, signature=key.sign(bare.signed))
        data = msgspec.msgpack.encode(made)
        self._store.save(tenant, KIND, made.digest, data, now_ns)
        self._store.save(tenant, _LATEST, _place(kind, about), made.digest.encode(), now_ns)
        return made

    def find(self, tenant: str, digest: str) -> Report:
        """Return the report of a digest, verified.

        Raises:
            RefusedError: ``report_unknown``.
            VerificationError: ``report_tampered``.
        """
        data = self._store.load(tenant, KIND, digest)
        if data is None:
            raise RefusedError("report_unknown", "there is no such report")
        try:
            found = msgspec.msgpack.decode(data, type=Report)
        except UNREADABLE as fault:
            raise VerificationError("report_tampered", f"the report `{digest}` cannot be read") from fault
        keys = {key.kid: key for key in self._ring.all_public(tenant, PURPOSE)}
        good = found.digest == digest and found.kid in keys
        if not good or not keys[found.kid].verify(found.signature, found.signed):
            raise VerificationError("report_tampered", f"the report `{digest}` is not what was signed")
        return found

    def newest(self, tenant: str, kind: str, about: str) -> Report | None:
        """Return the newest of a kind about a subject, verified, or ``None``."""
        digest = self._store.load(tenant, _LATEST, _place(kind, about))
        return None if digest is None else self.find(tenant, digest.decode())


def digest_of(body: bytes) -> str:
    """Return ``sha256:…`` of bytes."""
    return f"sha256:{sha256_hex(body)}"


def _place(kind: str, about: str) -> str:
    return f"{kind}:{sha256_hex(about.encode())[:40]}"
