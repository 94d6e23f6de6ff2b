"""Signed versions of a template: what counts, what came before it, and by whose word its anchor was replaced.

- The ledger (the audit log, or whatever cannot be taken back) names the version that counts; what lies in a store is
  believed only with its signature, for its own person and modality, and only when it is that very version.
- A version that follows has the same anchor. Another anchor takes the deed ``template.replace``, bound to the digests
  before and after; the person whose template it is does not count among those who agree.
- Nothing here stores or knows the time.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ostiary.artifacts import Signer
from ostiary.biometrics.updating.packing import anchor_digest, pack_state, unpack_state
from ostiary.biometrics.updating.state import State
from ostiary.biometrics.window import Modality
from ostiary.errors import RefusedError, VerificationError
from ostiary.keys import VerifyingKey, sha256_hex
from ostiary.vocabulary.approvals import Deed, QuorumCheck

REPLACE: Final = "template.replace"
_DOMAIN: Final = b"ostiary.template.v1\0"


class Version(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version, without the numbers themselves.

    Attributes:
        tenant, subject, modality: whose, and of what.
        serial: 1 for the first one, one more for each that follows.
        made_ns: when.
        model: digest of the model that reads it.
        previous: digest of the version before; empty for the first one.
        anchor: digest of the frozen anchor.
        state: digest of the packed state.
        kid, signature: of the deployment's key over all of that.
    """

    tenant: str
    subject: str
    modality: Modality
    serial: int
    made_ns: int
    model: str
    previous: str
    anchor: str
    state: str
    kid: str = ""
    signature: bytes = b""

    @property
    def signed(self) -> bytes:
        """What is signed."""
        told = msgspec.structs.astuple(msgspec.structs.replace(self, kid="", signature=b""))[:-2]
        return _DOMAIN + msgspec.json.encode(told)

    @property
    def digest(self) -> str:
        """By this the ledger, a deed and a decision's record name it."""
        return f"sha256:{sha256_hex(self.signed)}"


class Whose(msgspec.Struct, frozen=True):
    """Whose template it is: the tenant, the subject (``type:id``), the modality."""

    tenant: str
    subject: str
    modality: Modality


def first(whose: Whose, state: State, key: Signer, now_ns: int) -> Version:
    """Return the signed version of a fresh enrolment; that there was none before, the ledger must say."""
    return _signed(_made(whose, state, 1, "", now_ns), key)


def following(before: Version, state: State, key: Signer, now_ns: int) -> Version:
    """Return the signed version after ``before``.

    Raises:
        RefusedError: ``template_anchor_changed``: that takes a deed; ``template_other_model``, ``template_stale``.
    """
    if anchor_digest(state) != before.anchor:
        raise RefusedError("template_anchor_changed", f"the anchor is another; the deed `{REPLACE}` replaces it")
    if state.model != before.model:
        raise RefusedError("template_other_model", "the template was made by another model; enrol again")
    if now_ns < before.made_ns:
        raise RefusedError("template_stale", "the version before is newer")
    return _signed(_made(_whose(before), state, before.serial + 1, before.digest, now_ns), key)


def replacing_deed(before: Version, state: State) -> Deed:
    """Return the deed that people must agree to before ``state``, with another anchor, takes ``before``'s place."""
    bound = {"before": before.digest, "after": anchor_digest(state), "model": state.model}
    return Deed(before.tenant, REPLACE, f"{before.subject} {before.modality}", bound, own=frozenset({before.subject}))


def replacing(
    before: Version, state: State, quorum: QuorumCheck | None, proposal_id: str, key: Signer, now_ns: int
) -> tuple[Version, str]:
    """Return the signed version with a new anchor, and the digest of the approval, if people agreed to exactly that.

    Raises:
        RefusedError: ``approval_…``.
    """
    if quorum is None:
        raise RefusedError("approval_missing", "nobody can tell here whether people agreed")
    approved = quorum.check(replacing_deed(before, state), proposal_id, now_ns)
    return _signed(_made(_whose(before), state, before.serial + 1, before.digest, now_ns), key), approved.digest


def verified(whose: Whose, data: tuple[Version, bytes], keys: Sequence[VerifyingKey], last: str) -> State:
    """Return the state that a stored version and packed state hold, when they are what the ledger named last.

    Args:
        whose: for whom it was asked.
        data: what lies in the store.
        keys: of the deployment.
        last: digest of the version that counts, from the ledger.

    Raises:
        VerificationError: ``template_tampered``, ``template_rolled_back``.
    """
    version, packed = data
    known = {key.kid: key for key in keys}
    mine = _whose(version) == whose and version.kid in known
    if not mine or not known[version.kid].verify(version.signature, version.signed):
        raise VerificationError("template_tampered", "a template's version is not what was signed")
    if version.state != f"sha256:{sha256_hex(packed)}":
        raise VerificationError("template_tampered", "a template is not the one that its version names")
    if version.digest != last:
        raise VerificationError("template_rolled_back", "another version of the template counts")
    state = unpack_state(packed)
    if anchor_digest(state) != version.anchor or state.model != version.model:
        raise VerificationError("template_tampered", "a template has another anchor or model than its version names")
    return state


def _made(whose: Whose, state: State, serial: int, previous: str, now_ns: int) -> Version:
    packed = f"sha256:{sha256_hex(pack_state(state))}"
    anchor = anchor_digest(state)
    return Version(whose.tenant, whose.subject, whose.modality, serial, now_ns, state.model, previous, anchor, packed)


def _signed(bare: Version, key: Signer) -> Version:
    return msgspec.structs.replace(bare, kid=key.kid, signature=key.sign(bare.signed))


def _whose(version: Version) -> Whose:
    return Whose(version.tenant, version.subject, version.modality)
