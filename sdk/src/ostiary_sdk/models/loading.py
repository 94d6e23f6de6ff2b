"""``load_model``: ask, fetch into a private folder, verify with our own keys, and only then load.

1. The registry says what may be loaded now; it has recorded the decision.
2. The files come into a private folder, hashed as they come.
3. They are verified as the registry verifies them (``ostiary.artifacts.oms``): signer, release, name, tenant, stage,
   end. The release is of the registry's own key, and its counter must not be lower than any that was seen here before.
4. What was verified must be what the ticket named.
5. The native loader gets the verified bytes.
"""

import contextlib
import tempfile
from base64 import b64decode
from pathlib import Path
from typing import Any

import msgspec

from ostiary_sdk.models import native
from ostiary_sdk.models.door import DoorSettings, LoadError, ModelDoor, Proves, Ticket
from ostiary_sdk.models.loaded import LoadedModel
from ostiary_sdk.models.trust import ModelTrust


def load_model(
    name: str,
    *,
    stage: str,
    url: str,
    tenant: str,
    tokens: Proves,
    trust: ModelTrust,
    marks: str | Path | None = None,
    scratch: str | Path | None = None,
    native_loader: bool = True,
    settings: DoorSettings | None = None,
) -> LoadedModel:
    """Return the model that is live in ``stage``, verified and loaded.

    Args:
        name: of the model.
        stage: such as ``production``.
        url: the server's public address.
        tenant: whose model.
        tokens: proves the caller; its token must be for this model, ``model.load`` and this stage.
        trust: whom this program believes.
        marks: a file that remembers the highest counter seen of every model, so that none older is taken; its folder
            must be there. Without it, an old answer of a registry that was broken into may be taken until it ends.
        scratch: where private folders are made; by default the system's place for them.
        native_loader: whether to load it; without, ``LoadedModel.folder`` and ``files`` are there for another loader.
        settings: times and bounds.

    Raises:
        LoadError: it is not loaded; ``code`` is the registry's, or that of the check that failed here.
    """
    door = ModelDoor(url, tenant, tokens, settings)
    with contextlib.closing(door):
        ticket = door.ticket(name, stage)
        with tempfile.TemporaryDirectory(prefix="ostiary-", dir=scratch) as fetched:
            door.fetch(ticket, Path(fetched))
            verified = verify(ticket, Path(fetched), tenant, trust, marks, scratch)
    try:
        model = native.load(ticket.format, verified.files) if native_loader else None
    except BaseException:
        verified.close()
        raise
    told = {
        "name": name,
        "version": ticket.version,
        "stage": stage,
        "digest": ticket.digest,
        "counter": ticket.counter,
        "format": ticket.format,
        "decision_id": ticket.decision_id,
    }
    return LoadedModel(verified, model, told=told)


def verify(
    ticket: Ticket, folder: Path, tenant: str, trust: ModelTrust, marks: str | Path | None, scratch: str | Path | None
) -> Any:
    """Return the ``ostiary.artifacts.oms.VerifiedModel`` of a fetched folder.

    Raises:
        LoadError: it does not verify.
    """
    try:
        from ostiary.artifacts import oms  # noqa: PLC0415 - an extra
        from ostiary.artifacts.formats import check_format  # noqa: PLC0415
        from ostiary.errors import OstiaryError  # noqa: PLC0415
        from ostiary.vocabulary.clock import SystemClock  # noqa: PLC0415
    except ImportError as fault:
        raise LoadError("library_missing", "verifying models needs the extra `ostiary-sdk[models]`") from fault
    try:
        policy = _policy(ticket, tenant, trust)
        verified = oms.verify_model(
            folder,
            policy,
            oms.InFolder(Path(scratch or tempfile.gettempdir())),
            clock=SystemClock(),
            name=ticket.model,
            bundle=_document(ticket, "signature"),
            release=_document(ticket, "release"),
            marks=oms.FileMarks(Path(marks)) if marks else None,
            judge=check_format,
        )
    except OstiaryError as fault:
        raise LoadError(fault.code, fault.message, ticket.decision_id) from fault
    _agrees(ticket, verified)
    return verified


def _policy(ticket: Ticket, tenant: str, trust: ModelTrust) -> Any:
    """Return what this program demands: its own pins, for this tenant and stage, with a release in any case."""
    from ostiary.artifacts import oms  # noqa: PLC0415 - an extra
    from ostiary.artifacts.oms.policy_file import read_policy  # noqa: PLC0415
    from ostiary.keys.curves import CurvePublicKey  # noqa: PLC0415

    if trust.policy:
        policy = read_policy(Path(trust.policy))
    else:
        signers, releasers = (
            tuple(oms.TrustedKey(CurvePublicKey.from_pem(pem)) for pem in pems)
            for pems in (trust.signers, trust.releasers)
        )
        policy = oms.ModelPolicy(signers=signers, releasers=releasers)
    if not policy.releasers:  # an OMS policy would take the signers: here the registry's word is another one's
        raise LoadError("trust_empty", "no releaser is pinned, so nobody's word counts")
    return msgspec.structs.replace(policy, release_needed=True, tenant=tenant, stages=frozenset({ticket.stage}))


def _agrees(ticket: Ticket, verified: Any) -> None:
    """Refuse when the registry named something else than what verifies."""
    release = verified.release
    said = (ticket.digest, ticket.counter, str(ticket.version))
    if release is None or said != (verified.root, release.version, release.label):
        verified.close()
        raise LoadError("answer_disagrees", "the registry named another version than it released", ticket.decision_id)


def _document(ticket: Ticket, name: str) -> bytes:
    try:
        return b64decode(ticket.documents.get(name, ""), validate=True)
    except ValueError as fault:
        raise LoadError("answer_malformed", f"the document `{name}` is no base64") from fault
