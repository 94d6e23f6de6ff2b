"""Signed versions of templates and the log that says which one counts.

- A version and its row are written in one transaction: both or neither, so the log and the book never disagree.
- A line is one enrolment of one person in one modality, a random name; the log holds digests, the signature and the
  line, and no name: what they are of lies sealed in the book, and is gone with its person.
- What lies in the book counts only while the log knows no later version of its line: an older one put back is refused.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final

import msgspec

from ostiary.audit import AuditLog
from ostiary.biometrics.updating import State, Version, Whose, first, following, pack_state, verified
from ostiary.errors import RefusedError, UnavailableError, VerificationError
from ostiary.keys import KeyRing, VerifyingKey, random_bytes

PURPOSE: Final = "templates"
KIND: Final = "biometrics"
CHANGED: Final = "template_changed"
_WAIT_S: Final = 10.0
_LINE: Final = 12


class VersionRecord(msgspec.Struct, frozen=True):
    """What the log keeps of one version, for ever and without a name."""

    v: int
    type: str
    line: str
    serial: int
    modality: str
    model: str
    previous: str
    anchor: str
    state: str
    digest: str
    kid: str
    signature: bytes
    approval: str = ""


def new_line() -> str:
    """Return the name of a new enrolment."""
    return random_bytes(_LINE).hex()


class TemplateRecords:
    """Signs versions, writes them down, and tells which one counts."""

    def __init__(self, log: AuditLog, ring: KeyRing, now_ns: Callable[[], int]) -> None:
        """Write to ``log``, signed by keys of ``ring``."""
        self._log, self._ring, self._now_ns = log, ring, now_ns

    def first(self, whose: Whose, state: State) -> Version:
        """Return the signed version of a fresh enrolment."""
        return first(whose, state, self._ring.active(whose.tenant, PURPOSE), self._now_ns())

    def following(self, before: Version, state: State) -> Version:
        """Return the signed version after ``before``; raises ``template_…``."""
        return following(before, state, self._ring.active(before.tenant, PURPOSE), self._now_ns())

    def commit(self, line: str, version: Version, change: Callable[[], bool], approval: str = "") -> bool:
        """Write a version down together with ``change``; return false when that came too late.

        Raises:
            UnavailableError: nothing can be written.
        """
        told = VersionRecord(
            v=1,
            type="template.version",
            line=line,
            serial=version.serial,
            modality=version.modality.value,
            model=version.model,
            previous=version.previous,
            anchor=version.anchor,
            state=version.state,
            digest=version.digest,
            kid=version.kid,
            signature=version.signature,
            approval=approval,
        )

        def effect(_: object) -> bytes:
            if not change():
                raise RefusedError(CHANGED, "the template was changed meanwhile")
            return msgspec.json.encode(told)

        written = self._log.append_effect(
            version.tenant, KIND, _record_of(line, version.serial), self._now_ns(), effect
        )
        try:
            _wait(written)
        except RefusedError as no:
            if no.code == CHANGED:
                return False
            raise
        return True

    def state(self, whose: Whose, line: str, version: Version, packed: bytes) -> State:
        """Return the state that lies in the book, if it is the version that counts.

        Raises:
            VerificationError: ``template_tampered``, ``template_rolled_back``.
        """
        record = self._log.get(whose.tenant, _record_of(line, version.serial))
        later = self._log.store.find_record(whose.tenant, _record_of(line, version.serial + 1))
        if record is None or record.payload is None or later is not None:
            raise VerificationError("template_rolled_back", "another version of the template counts")
        last = msgspec.json.decode(record.payload, type=VersionRecord).digest
        return verified(whose, (version, packed), self._keys(whose.tenant), last)

    def _keys(self, tenant: str) -> Sequence[VerifyingKey]:
        return self._ring.all_public(tenant, PURPOSE)


def _record_of(line: str, serial: int) -> str:
    return f"tpl_{line}.{serial}"


def _wait(written: Future[Any]) -> None:
    try:
        written.result(timeout=_WAIT_S)
    except TimeoutError:
        raise UnavailableError("record_failed", "the version was not on disk in time") from None


__all__ = ["KIND", "PURPOSE", "TemplateRecords", "VersionRecord", "new_line", "pack_state"]
