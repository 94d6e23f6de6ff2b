"""Who signs models, and how their signatures are checked: the registry's ports, filled by ``artifacts.oms`` (ADR-0026).

- Trusted are the tenant's pinned signers (``trust/people/TENANT.yaml``), and nobody whom a bundle names.
- A version comes in verified whole: files, signature, release if there is one, formats.
- At every load the signature is checked again, with the signers that are pinned then.
"""

from pathlib import Path

from ostiary.errors import UnavailableError
from ostiary.keys import KeyRing
from ostiary.pipeline.registry.model import Live, Signed, Version
from ostiary.pipeline.registry.people import PeopleFolder
from ostiary.pipeline.registry.ports import Inspected
from ostiary.vocabulary.clock import Clock


class OmsInspector:
    """Implements ``pipeline.registry.ports.Inspector``."""

    def __init__(self, people: PeopleFolder, clock: Clock) -> None:
        """Take who is pinned, and the time."""
        self._people = people
        self._clock = clock

    def inspect(self, tenant: str, name: str, folder: Path, documents: dict[str, bytes], now_ns: int) -> Inspected:
        """Verify a folder whole."""
        raise UnavailableError("signing_unavailable", f"{tenant} {name} {folder} {len(documents)} {now_ns}")

    def still_trusted(self, tenant: str, digest: str, documents: dict[str, bytes], now_ns: int) -> Signed:
        """Verify the signature alone."""
        raise UnavailableError("signing_unavailable", f"{tenant} {digest} {len(documents)} {now_ns}")


class OmsReleases:
    """Implements ``pipeline.registry.ports.Releases`` with a key of the tenant's own."""

    def __init__(self, ring: KeyRing) -> None:
        """Sign with the ring's keys."""
        self._ring = ring

    def seal(self, live: Live, version: Version, metrics: str) -> bytes:
        """Return the signed release."""
        raise UnavailableError("signing_unavailable", f"{live.name} {version.number} {metrics}")
