"""The signed papers of a registered version, told: signature, provenance, validation report, approval.

1. What is told was verified when the version came in; the signature and the builder's are verified again, now.
2. A paper that cannot be read is told as its code, never as absent.
"""

from typing import Any, Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.pipeline.registry.approving import PREDICATE_TYPE as APPROVAL
from ostiary.pipeline.registry.approving import Deed
from ostiary.pipeline.registry.model import Live, Version
from ostiary.pipeline.registry.people import People, fingerprint
from ostiary.pipeline.registry.provenance import PREDICATE_TYPE as PROVENANCE
from ostiary.pipeline.registry.provenance import Provenance
from ostiary.pipeline.registry.reporting import PREDICATE_TYPE as REPORT
from ostiary.pipeline.registry.reporting import Findings
from ostiary.pipeline.registry.sealed import Opened, parse_envelope, read_subjects
from ostiary.server.models import Models
from ostiary.vocabulary.unreadable import UNREADABLE

MAX_MATERIALS: Final = 200
MAX_PARAMETERS: Final = 40
_SHORT: Final = 200
_PROVEN: Final = {
    "certificate": "a certificate of a public authority (Sigstore)",
    "x509CertificateChain": "a certificate of a pinned authority",
    "publicKey": "a pinned key",
}


class SignatureTold(msgspec.Struct, frozen=True):
    """Who signed a version.

    Attributes:
        identity: the pinned identity.
        key: fingerprint of the key or certificate that signed.
        by: by what it proves itself, in words; empty when the signature does not say.
        verified_ns: when it was verified first: at its registration.
        now: ``verified``, or the code of what is wrong with it now.
    """

    identity: str
    key: str
    by: str
    verified_ns: int
    now: str


class ProvenanceTold(msgspec.Struct, frozen=True):
    """Where a version comes from, as its builder signed it (SLSA v1).

    Attributes:
        builder, run, commit: who built it, in which run, from which commit.
        build_type: how.
        materials: what went in: ``uri`` and ``digest``.
        parameters: external parameters, as text.
        digest: of the statement.
        signers: fingerprints of the builder's pinned keys that signed it, as verified now; empty when none does.
        code: why it cannot be read, or empty.
    """

    builder: str
    run: str
    commit: str
    digest: str
    build_type: str = ""
    materials: tuple[dict[str, str], ...] = ()
    parameters: dict[str, str] = {}
    signers: tuple[str, ...] = ()
    code: str = ""


class ReportTold(msgspec.Struct, frozen=True):
    """What the validator found; ``by`` is empty when nobody who is pinned now signed it."""

    metrics: dict[str, float] = {}
    passed: bool = False
    made_ns: int = 0
    notes: dict[str, str] = {}
    by: tuple[str, ...] = ()
    code: str = ""


class ApprovalTold(msgspec.Struct, frozen=True):
    """By which approval a version became live.

    Attributes:
        digest: of the signed file, as the log names it; empty for a proposal.
        proposal: of people who agreed at the inbox; empty for a signed file.
        by: the people whose pinned keys signed it.
        expires_ns: until when it holds.
        code: why it cannot be read, or empty.
    """

    digest: str = ""
    proposal: str = ""
    by: tuple[str, ...] = ()
    expires_ns: int = 0
    code: str = ""


class _Proposal(msgspec.Struct):
    proposal: str


def signature_of(models: Models, version: Version, now_ns: int) -> SignatureTold:
    """Return who signed ``version``, verified again at ``now_ns``."""
    try:
        models.inspector.still_trusted(version.tenant, version.digest, version.documents, now_ns)
        now = "verified"
    except OstiaryError as fault:
        now = fault.code
    signed = version.signed
    return SignatureTold(signed.identity, signed.key, _proven_by(version.documents), version.registered_ns, now)


def provenance_of(people: People, version: Version) -> ProvenanceTold:
    """Return where ``version`` comes from."""
    origin = version.origin
    told = ProvenanceTold(origin.builder, origin.run, origin.commit, origin.digest)
    try:
        opened = parse_envelope(version.documents.get("provenance", b""))
        _, said = read_subjects(opened.payload, PROVENANCE, Provenance)
    except OstiaryError as fault:
        return msgspec.structs.replace(told, code=fault.code)
    materials = tuple(
        {"uri": one.uri[:_SHORT], "digest": ", ".join(f"{kind}:{digest}" for kind, digest in one.digest.items())}
        for one in said.definition.dependencies[:MAX_MATERIALS]
    )
    builders = [one for one in people.builders if said.run.builder.id in one.names]
    keys = opened.signers(key for one in builders for key in one.keys)
    return msgspec.structs.replace(
        told,
        build_type=said.definition.build_type,
        materials=materials,
        parameters=_flat(said.definition.external),
        signers=tuple(fingerprint(key) for key in keys),
    )


def report_of(people: People, live: Live) -> ReportTold:
    """Return what the validator found of what is live."""
    try:
        opened = parse_envelope(live.report)
        _, found = read_subjects(opened.payload, REPORT, Findings)
    except OstiaryError as fault:
        return ReportTold(code=fault.code)
    by = _behind(opened, people.validators)
    return ReportTold(found.metrics, found.passed, found.made_ns, found.notes, by)


def approval_of(people: People, live: Live) -> ApprovalTold:
    """Return by which approval something is live."""
    try:
        return ApprovalTold(proposal=msgspec.json.decode(live.approval, type=_Proposal).proposal)
    except UNREADABLE:  # no proposal: a signed file
        return _signed_file(people, live)


def _signed_file(people: People, live: Live) -> ApprovalTold:
    try:
        opened = parse_envelope(live.approval)
        _, deed = read_subjects(opened.payload, APPROVAL, Deed)
    except OstiaryError as fault:
        return ApprovalTold(code=fault.code)
    by = _behind(opened, people.approvers)
    return ApprovalTold(digest=opened.digest, by=by, expires_ns=deed.expires_ns)


def _behind(opened: Opened, persons: Any) -> tuple[str, ...]:
    return tuple(one.name for one in persons if opened.signers(one.keys))


def _proven_by(documents: dict[str, bytes]) -> str:
    try:
        material = msgspec.json.decode(documents.get("signature", b""))["verificationMaterial"]
        return next((words for name, words in _PROVEN.items() if name in material), "")
    except (msgspec.MsgspecError, KeyError, TypeError, UnicodeDecodeError):  # another form: its identity is told still
        return ""


def _flat(values: dict[str, Any]) -> dict[str, str]:
    some = list(values.items())[:MAX_PARAMETERS]
    return {str(name)[:_SHORT]: (one if isinstance(one, str) else _json(one))[:_SHORT] for name, one in some}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
