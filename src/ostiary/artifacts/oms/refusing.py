"""The reasons for which a model is refused, in one place, and a shorthand to raise them.

Codes are stable. Each attack of the tamper matrix has its own (ADR-0026), so that an alarm can say what was tried.
"""

from typing import Final

from ostiary.errors import VerificationError

REASONS: Final = {
    "artifact_algorithm": "a hash, key or signature algorithm that is not accepted, a downgraded one too",
    "artifact_bundle_malformed": "the bundle is no Sigstore bundle v0.3 with one signature of an in-toto statement",
    "artifact_bundle_swapped": "the release was made for another signed statement than the one that lies here",
    "artifact_certificate_expired": "the signing certificate is no longer valid",
    "artifact_certificate_not_yet_valid": "the signing certificate is not valid yet",
    "artifact_certificate_usage": "the certificate is not for signing code",
    "artifact_changed_in_use": "somebody opened a file for writing while it was in use",
    "artifact_empty_folder": "a folder without files, which no signature covers",
    "artifact_extra_file": "a file that was not signed",
    "artifact_file_mode": "a file may be executed, or written by everybody",
    "artifact_hidden_file": "a file that was not signed, in a place that other tools ignore (.git, dotfiles)",
    "artifact_link": "a symbolic link",
    "artifact_link_for_file": "a symbolic link in the place of a signed file",
    "artifact_log_entry": "the entry of the signature log does not prove this signature",
    "artifact_missing_file": "a signed file is missing",
    "artifact_modified": "a file is not the one that was signed",
    "artifact_name": "a path that is not plain: traversal, control characters, not NFC, or two that read alike",
    "artifact_predicate": "the statement is of another type, or of an older version",
    "artifact_release_expired": "the release's last day is over, or it is older than the policy accepts",
    "artifact_release_malformed": "the release statement is not of our form",
    "artifact_release_missing": "the policy needs a release and there is none",
    "artifact_release_not_yet": "the release says that it was made in the future",
    "artifact_renamed_file": "signed files are missing, and others that were not signed stand in their place",
    "artifact_replayed": "an older version than the highest one seen, or than the policy's lowest",
    "artifact_special_file": "a pipe, socket or device",
    "artifact_statement_malformed": "the signed statement contradicts itself",
    "artifact_too_large": "more files or bytes, longer or deeper paths than the limits allow",
    "artifact_unsigned": "there is no bundle",
    "artifact_untrusted_chain": "the certificate does not lead to a pinned authority",
    "artifact_untrusted_key": "no trusted key made the signature",
    "artifact_untrusted_signer": "the policy trusts nobody who signs in this way",
    "artifact_version_reused": "a second, different release under a version already seen",
    "artifact_wrong_identity": "the certificate is somebody else's",
    "artifact_wrong_name": "the model bears another name than the one asked for",
    "artifact_wrong_stage": "the release is for another stage",
    "artifact_wrong_tenant": "the release is for another tenant",
}


def refuse(code: str, text: str, *more: str) -> VerificationError:
    """Return the refusal ``code``, which must be a known one, with further reasons."""
    if code not in REASONS:
        raise RuntimeError(f"`{code}` is no reason of this room")
    return VerificationError(code, text, more)


def shown(name: str) -> str:
    """Return a name from outside, short and printable, for an error's text."""
    return "".join(sign if sign.isprintable() and sign != "`" else "?" for sign in name[:80])
