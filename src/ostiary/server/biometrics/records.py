"""Signed versions of templates in the log: which template knew a person when, without a number of it.

A version is written down before it counts. Its statement names tenant, person, modality, model, serial and the digest
of the template, signed by the deployment's key; it is sealed under the person's key in the log, and erased with it.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from ostiary.audit import AuditLog
from ostiary.biometrics.model import Model
from ostiary.keys import KeyRing, random_bytes, sha256_hex
from ostiary.server.biometrics.kept import Kept, KeptTemplate
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

PURPOSE: Final = "templates"
KIND: Final = "biometrics"
_WAIT_S: Final = 10.0


class TemplateVersion(msgspec.Struct, frozen=True):
    """What is signed of one version.

    Attributes:
        change: ``anchored``, ``moved`` or ``replaced``.
        digest: of the template's numbers.
        previous: of the version before, empty for the first.
        approval: the agreement of people behind a replaced anchor.
    """

    v: int
    tenant: str
    subject: str
    modality: str
    model: str
    version: int
    change: str
    digest: str
    previous: str
    windows: int
    sessions: int
    made_ns: int
    approval: str = ""


class SignedVersion(msgspec.Struct, frozen=True):
    """A version with its signature over the exact bytes."""

    type: str
    statement: str
    kid: str
    signature: bytes


def digest_of(kept: KeptTemplate | None) -> str:
    """Return the digest of a template's numbers; empty for none."""
    if kept is None:
        return ""
    return f"sha256:{sha256_hex(msgspec.msgpack.encode(kept))}"


class TemplateRecords:
    """Writes versions down."""

    def __init__(self, log: AuditLog, ring: KeyRing, now_ns: Callable[[], int]) -> None:
        """Write to ``log``, signed by keys of ``ring``."""
        self._log, self._ring, self._now_ns = log, ring, now_ns

    def anchored(self, tenant: str, subject: str, model: Model, kept: Kept) -> None:
        """Write down that somebody is enrolled; when this returns it is on disk.

        Raises:
            UnavailableError: it cannot be written; then it must not count.
        """
        self._write(tenant, subject, model, kept, "anchored", kept.anchor, "")

    def moved(self, tenant: str, subject: str, model: Model, kept: Kept, before: KeptTemplate | None) -> None:
        """Write down that the adaptive template moved; raises as ``anchored``."""
        self._write(tenant, subject, model, kept, "moved", kept.adaptive, digest_of(before))

    def _write(
        self,
        tenant: str,
        subject: str,
        model: Model,
        kept: Kept,
        change: str,
        template: KeptTemplate | None,
        previous: str,
    ) -> None:
        now = self._now_ns()
        windows, sessions = (template.windows, template.sessions) if template is not None else (0, 0)
        statement = msgspec.json.encode(
            TemplateVersion(
                v=1,
                tenant=tenant,
                subject=subject,
                modality=model.modality.value,
                model=model.digest,
                version=kept.version,
                change=change,
                digest=digest_of(template),
                previous=previous,
                windows=windows,
                sessions=sessions,
                made_ns=now,
            )
        )
        key = self._ring.active(tenant, PURPOSE)
        signed = SignedVersion(f"template.{change}", statement.decode(), key.kid, key.sign(statement))
        record_id = make_id("bio", now, random_bytes(RANDOM_BYTES))
        self._log.append(tenant, KIND, record_id, now, msgspec.json.encode(signed), subject).result(timeout=_WAIT_S)
