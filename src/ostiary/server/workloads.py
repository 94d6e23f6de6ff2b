"""Where the verifier of workloads meets settings and storage."""

from collections.abc import Iterable, Iterator

import msgspec

from ostiary.errors import UnavailableError
from ostiary.identity.settings import IssuerConfig
from ostiary.identity.workloads.bundle import Mark
from ostiary.identity.workloads.config import remarks
from ostiary.server.settings.sections import IdentitySection
from ostiary.server.settings.workloads import WorkloadSection
from ostiary.storage.tables.rooms import SnapshotTable
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.unreadable import UNREADABLE

_KIND = "spiffe_bundle"


class StoredMarks:
    """How far each trust domain's bundle had come, kept in the store: a ``SequenceMarks``."""

    def __init__(self, snapshots: SnapshotTable, clock: Clock) -> None:
        """Keep them among the snapshots."""
        self._snapshots = snapshots
        self._clock = clock

    def mark(self, tenant: str, trust_domain: str) -> Mark | None:
        """Return the last mark, if any."""
        data = self._snapshots.load(tenant, _KIND, trust_domain)
        try:
            return msgspec.json.decode(data, type=Mark) if data is not None else None
        except UNREADABLE as error:
            text = f"the mark of the bundle of `{trust_domain}` is damaged"
            raise UnavailableError("jwks_unavailable", text) from error

    def keep(self, tenant: str, trust_domain: str, mark: Mark) -> None:
        """Keep a mark; it is on disk when this returns."""
        self._snapshots.save(tenant, _KIND, trust_domain, msgspec.json.encode(mark), self._clock.now_ns())


def workload_issuers(settings: IdentitySection) -> list[IssuerConfig]:
    """Return the issuers of all workloads that are let in."""
    return list(_configs(settings.workloads, loopback=settings.allow_http_loopback))


def workload_remarks(settings: IdentitySection) -> Iterator[str]:
    """Yield what an administrator should know of the rules that let workloads in."""
    for config in workload_issuers(settings):
        yield from remarks(config)


def _configs(sections: Iterable[WorkloadSection], *, loopback: bool) -> Iterator[IssuerConfig]:
    for section in sections:
        yield section.issuer_config(loopback=loopback and bool(section.jwks_url or section.discovery_url))
