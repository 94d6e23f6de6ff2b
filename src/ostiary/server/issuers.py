"""Whose tokens are believed: the configured issuers, those of workloads, and Ostiary itself."""

from collections.abc import Iterable

from ostiary.identity.exchange.own import OwnIssuers
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.settings import IssuerConfig, JwksSource
from ostiary.keys import KeyRing
from ostiary.server.addresses import public_url
from ostiary.server.settings.sections import IssuerSection, Settings
from ostiary.server.workloads import StoredMarks, workload_issuers
from ostiary.storage.tables.rooms import SnapshotTable
from ostiary.vocabulary.clock import Clock


def issuer_book(settings: Settings, snapshots: SnapshotTable, ring: KeyRing, clock: Clock) -> IssuerBook:
    """Return all issuers of all tenants; how far SPIFFE bundles had come is kept among the snapshots."""
    identity = settings.identity
    believed = _issuers(identity.issuers, loopback=identity.allow_http_loopback)
    own = OwnIssuers(ring, public_url(settings.server))
    marks = StoredMarks(snapshots, clock)
    return IssuerBook([*believed, *workload_issuers(identity)], marks=marks, own=own.find)


def _issuers(sections: Iterable[IssuerSection], *, loopback: bool) -> list[IssuerConfig]:
    return [
        IssuerConfig(
            tenant=one.tenant,
            issuer=one.issuer,
            audience=one.audience,
            jwks=JwksSource(
                url=one.jwks_url, file=str(one.jwks_path or ""), allow_loopback_http=loopback and bool(one.jwks_url)
            ),
            algorithms=one.algorithms,
            token_types=one.token_types,
            subject_type=one.subject_type,
            also_types=one.also_types,
            clock_skew_s=one.clock_skew_s,
            max_lifetime_s=one.max_lifetime_s,
            max_age_s=one.max_age_s,
            keep=one.keep,
        )
        for one in sections
    ]
