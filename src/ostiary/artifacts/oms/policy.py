"""What a verifier demands of a model. The signature decides nothing of this.

>>> ModelPolicy(signers=()).release_needed
True
"""

import msgspec

from ostiary.artifacts.oms.limits import ModelLimits
from ostiary.artifacts.oms.signers import TrustedSigner

SAFE_HASHES = frozenset({"sha256", "blake3"})


class ModelPolicy(msgspec.Struct, frozen=True):
    """Who may sign and release, and what else must be true.

    Attributes:
        signers: who may sign the files.
        releasers: who may sign the release; empty means the signers.
        release_needed: refuse a model that has no release statement.
        tenant: whose models; a release for another tenant is refused, one for nobody in particular is not.
        stages: stages whose releases are accepted; empty accepts any.
        min_version: the lowest version accepted, besides what ``VersionMarks`` remembers.
        max_age_s: how old a release may be; 0 asks for no more than its own ``not_after_ns``.
        hashes: content hashes accepted: ``sha256``, ``blake3``, ``blake2b``.
        any_mode: accept executable and world-writable files (a file system that knows no modes).
        limits: bounds on files and bundles.
    """

    signers: tuple[TrustedSigner, ...]
    releasers: tuple[TrustedSigner, ...] = ()
    release_needed: bool = True
    tenant: str = ""
    stages: frozenset[str] = frozenset()
    min_version: int = 1
    max_age_s: int = 0
    hashes: frozenset[str] = SAFE_HASHES
    any_mode: bool = False
    limits: ModelLimits = ModelLimits()
