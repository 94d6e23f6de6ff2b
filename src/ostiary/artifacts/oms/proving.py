"""Checks a bundle's signature against the signers that the verifier trusts, and nobody else.

- A bundle is tried with trusted signers of its own kind only; when there is none, it is refused whatever it proves.
- A key: one of the pinned keys made the signature.
- A certificate: it names the pinned holder, signs code, is valid *now* (nothing proves when it signed) and leads to a
  pinned authority.
- A Sigstore identity: the log proves when it was signed; at that time the certificate was valid, led to a pinned
  authority and was logged itself; it names the pinned identity and issuer.
- The payload is handed out only here, after its signature held.
"""

from collections.abc import Callable, Iterable
from typing import Final

from ostiary.artifacts.oms.bundle import Bundle
from ostiary.artifacts.oms.log_entries import logged_ns
from ostiary.artifacts.oms.refusing import refuse, shown
from ostiary.artifacts.oms.signers import SignerProof, TrustedCertificate, TrustedIdentity, TrustedKey, TrustedSigner
from ostiary.errors import FaultyInputError, VerificationError
from ostiary.keys.certificates import Certificate, chain_of, logged_at, text_of_utf8
from ostiary.keys.curves import CurvePublicKey

_ISSUER: Final = "1.3.6.1.4.1.57264.1.8"  # Fulcio: the issuer as DER UTF8String
_LEAF_AND_ISSUER: Final = 2
_ISSUER_OLD: Final = "1.3.6.1.4.1.57264.1.1"  # the same as bare bytes


def prove(bundle: Bundle, trusted: Iterable[TrustedSigner], now_ns: int) -> tuple[SignerProof, bytes]:
    """Return who signed and what, or refuse.

    Raises:
        VerificationError: ``artifact_untrusted_signer`` and the reasons of each kind.
    """
    candidates = [signer for signer in trusted if _kind(signer) == bundle.kind]
    if not candidates:
        text = f"the bundle is signed with a {bundle.kind}, and the policy trusts no signer of that kind"
        raise refuse("artifact_untrusted_signer", text)
    faults: list[VerificationError] = []
    for signer in candidates:
        try:
            return _prove_one(bundle, signer, now_ns), bundle.unverified_payload
        except VerificationError as fault:
            faults.append(fault)
    first = faults[0]
    raise VerificationError(first.code, first.message, [fault.code for fault in faults]) from first


def _kind(signer: TrustedSigner) -> str:
    return {TrustedKey: "key", TrustedCertificate: "certificate", TrustedIdentity: "sigstore"}[type(signer)]


def _prove_one(bundle: Bundle, signer: TrustedSigner, now_ns: int) -> SignerProof:
    if isinstance(signer, TrustedKey):
        return _prove_key(bundle, signer)
    if isinstance(signer, TrustedCertificate):
        return _prove_certificate(bundle, signer, now_ns)
    return _prove_identity(bundle, signer)


def _prove_key(bundle: Bundle, signer: TrustedKey) -> SignerProof:
    if not signer.key.verify(bundle.signature, bundle.signed):
        raise refuse("artifact_untrusted_key", "no trusted key made the signature")
    print_of = signer.key.fingerprint
    return SignerProof("key", signer.name, print_of, "", print_of)


def _prove_certificate(bundle: Bundle, signer: TrustedCertificate, now_ns: int) -> SignerProof:
    leaf, *between = [_read(der) for der in bundle.certificates]
    _check_usable(leaf, now_ns)
    anchors = [_read(der) for der in signer.roots]
    if not chain_of(leaf, between, anchors, now_ns):
        raise refuse("artifact_untrusted_chain", "the certificate does not lead to a pinned authority")
    if signer.identity not in _identities(leaf, signer.identity_kind):
        text = f"the certificate is not that of the {signer.identity_kind} `{shown(signer.identity)}`"
        raise refuse("artifact_wrong_identity", text)
    key = _check_signature(bundle, leaf)
    return SignerProof("certificate", signer.name, signer.identity, "", key.fingerprint)


def _prove_identity(bundle: Bundle, signer: TrustedIdentity) -> SignerProof:
    leaf = _read(bundle.certificates[0])
    at_ns = logged_ns(bundle, signer.root)
    _check_usable(leaf, at_ns)
    _check_fulcio(leaf, signer, at_ns)
    names, issuer = leaf.alternative_names(), _issuer_of(leaf)
    if leaf.count_alternative_names() != 1 or names != (signer.identity,) or issuer != signer.issuer:
        told = f"`{shown(names[0] if names else '')}` of `{shown(issuer)}`"
        text = f"the certificate is that of {told}, not of `{shown(signer.identity)}` of `{shown(signer.issuer)}`"
        raise refuse("artifact_wrong_identity", text)
    key = _check_signature(bundle, leaf)
    return SignerProof("sigstore", signer.name, signer.identity, issuer, key.fingerprint, at_ns)


def _check_fulcio(leaf: Certificate, signer: TrustedIdentity, at_ns: int) -> None:
    logs = {log_id: log.key for log_id, log in signer.root.certificate_logs.items()}
    for authority in signer.root.authorities:
        chain = chain_of(leaf, authority.chain[:-1], authority.chain[-1:], at_ns)
        if len(chain) < _LEAF_AND_ISSUER or not authority.service.covers(at_ns):
            continue
        found = logged_at(leaf, chain[1], logs)
        if found is None or not signer.root.certificate_logs[found[0]].service.covers(found[1]):
            raise refuse("artifact_log_entry", "no pinned log vouches that the certificate itself was logged")
        return
    raise refuse("artifact_untrusted_chain", "the certificate does not lead to a pinned authority")


def _check_usable(leaf: Certificate, at_ns: int) -> None:
    if at_ns > leaf.not_after_ns:
        raise refuse("artifact_certificate_expired", "the signing certificate was no longer valid")
    if at_ns < leaf.not_before_ns:
        raise refuse("artifact_certificate_not_yet_valid", "the signing certificate was not valid yet")
    if not leaf.signs_code:
        text = "the certificate is not for signing code: it needs digitalSignature and codeSigning, and no keyCertSign"
        raise refuse("artifact_certificate_usage", text)


def _check_signature(bundle: Bundle, leaf: Certificate) -> CurvePublicKey:
    try:
        key = leaf.public
    except FaultyInputError as fault:
        raise refuse("artifact_algorithm", "the certificate's key is not on P-256, P-384 or P-521") from fault
    if not key.verify(bundle.signature, bundle.signed):
        raise refuse("artifact_untrusted_key", "the certificate's key did not make the signature")
    return key


def _identities(leaf: Certificate, kind: str) -> tuple[str, ...]:
    named: dict[str, Callable[[], tuple[str, ...]]] = {
        "subject": lambda: (leaf.subject,),
        "key": lambda: (leaf.public.fingerprint,),
    }
    return named[kind]() if kind in named else leaf.alternative_names(kind)


def _issuer_of(leaf: Certificate) -> str:
    new, old = leaf.extension(_ISSUER), leaf.extension(_ISSUER_OLD)
    texts = {text_of_utf8(new) if new is not None else None, old.decode(errors="replace") if old is not None else None}
    texts.discard(None)
    return texts.pop() or "" if len(texts) == 1 else ""  # none, or two that contradict each other


def _read(der: bytes) -> Certificate:
    try:
        return Certificate.from_der(der)
    except FaultyInputError as fault:
        raise refuse("artifact_bundle_malformed", f"the bundle is malformed: {fault.message}") from fault
