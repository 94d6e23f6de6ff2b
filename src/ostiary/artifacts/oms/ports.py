"""What the room of models needs of others: who seals a bundle, who remembers versions, who judges formats."""

from typing import Protocol

import msgspec


class BundleSigner(Protocol):
    """Signs an in-toto payload and says how it may be checked: with a key, a certificate chain or a log entry."""

    def seal(self, payload: bytes) -> bytes:
        """Return the Sigstore bundle v0.3 (JSON) whose DSSE envelope holds ``payload``."""
        ...


class VersionMark(msgspec.Struct, frozen=True):
    """The highest version seen of one model at one stage.

    Attributes:
        version: the release's counter.
        digest: digest of the signed release, so that one version is never two releases.
    """

    version: int
    digest: str


class VersionMarks(Protocol):
    """Remembers the highest version that was accepted, per tenant, model and stage.

    INVARIANT: a mark never falls. ``advance`` is atomic: of two callers at once, both learn the mark that stands.
    """

    def find(self, tenant: str, name: str, stage: str) -> VersionMark | None:
        """Return the mark, or ``None`` when none was set."""
        ...

    def advance(self, tenant: str, name: str, stage: str, mark: VersionMark) -> VersionMark:
        """Set the mark unless one of the same or a higher version stands; return the one that stands now."""
        ...


class FormatJudge(Protocol):
    """Refuses a file whose content is of no allowed format; sees the very bytes that are handed on."""

    def __call__(self, name: str, data: memoryview) -> None:
        """Return when the file may be loaded.

        Raises:
            VerificationError: ``artifact_format_refused`` and its kin.
        """
        ...
