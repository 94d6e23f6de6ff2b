"""Why a quote is refused: one stable code for each reason, alphabetised.

Grammar: ``quote_attest_…`` is about the signed statement, ``quote_key_…`` about the attestation key,
``quote_signature_…`` about the signature, ``quote_pcr_…`` about the platform registers.

>>> QuoteRefusal("quote_nonce_wrong").value
'quote_nonce_wrong'
"""

from enum import StrEnum


class QuoteRefusal(StrEnum):
    """Every code that reading and judging a quote raises."""

    QUOTE_ATTEST_MAGIC_WRONG = "quote_attest_magic_wrong"
    QUOTE_ATTEST_TOO_LONG = "quote_attest_too_long"
    QUOTE_ATTEST_TRAILING_BYTES = "quote_attest_trailing_bytes"
    QUOTE_ATTEST_TRUNCATED = "quote_attest_truncated"
    QUOTE_ATTEST_TYPE_WRONG = "quote_attest_type_wrong"
    QUOTE_CLOCK_BACKWARDS = "quote_clock_backwards"
    QUOTE_CLOCK_SAFE_INVALID = "quote_clock_safe_invalid"
    QUOTE_FIRMWARE_BACKWARDS = "quote_firmware_backwards"
    QUOTE_KEY_CURVE_NOT_ALLOWED = "quote_key_curve_not_allowed"
    QUOTE_KEY_DECRYPTS = "quote_key_decrypts"
    QUOTE_KEY_HASH_NOT_ALLOWED = "quote_key_hash_not_allowed"
    QUOTE_KEY_IMPORTED = "quote_key_imported"
    QUOTE_KEY_INVALID = "quote_key_invalid"
    QUOTE_KEY_KIND_NOT_ALLOWED = "quote_key_kind_not_allowed"
    QUOTE_KEY_MOVABLE = "quote_key_movable"
    QUOTE_KEY_NAME_WRONG = "quote_key_name_wrong"
    QUOTE_KEY_NOT_SIGNING = "quote_key_not_signing"
    QUOTE_KEY_RESERVED_BITS = "quote_key_reserved_bits"
    QUOTE_KEY_SCHEME_MISSING = "quote_key_scheme_missing"
    QUOTE_KEY_TOO_LONG = "quote_key_too_long"
    QUOTE_KEY_TRAILING_BYTES = "quote_key_trailing_bytes"
    QUOTE_KEY_TRUNCATED = "quote_key_truncated"
    QUOTE_KEY_UNRESTRICTED = "quote_key_unrestricted"
    QUOTE_KEY_WEAK = "quote_key_weak"
    QUOTE_NONCE_WRONG = "quote_nonce_wrong"
    QUOTE_PCR_BANK_NOT_ALLOWED = "quote_pcr_bank_not_allowed"
    QUOTE_PCR_BANK_TWICE = "quote_pcr_bank_twice"
    QUOTE_PCR_CHANGED = "quote_pcr_changed"
    QUOTE_PCR_DIGEST_WRONG = "quote_pcr_digest_wrong"
    QUOTE_PCR_LENGTH_WRONG = "quote_pcr_length_wrong"
    QUOTE_PCR_MISSING = "quote_pcr_missing"
    QUOTE_PCR_NOT_GOLDEN = "quote_pcr_not_golden"
    QUOTE_PCR_NOT_SELECTED = "quote_pcr_not_selected"
    QUOTE_PCR_REQUIRED = "quote_pcr_required"
    QUOTE_PCR_SELECTION_EMPTY = "quote_pcr_selection_empty"
    QUOTE_PCR_SELECTION_INVALID = "quote_pcr_selection_invalid"
    QUOTE_PCR_TOO_MANY = "quote_pcr_too_many"
    QUOTE_RESET_BACKWARDS = "quote_reset_backwards"
    QUOTE_RESTART_BACKWARDS = "quote_restart_backwards"
    QUOTE_SIGNATURE_HASH_WRONG = "quote_signature_hash_wrong"
    QUOTE_SIGNATURE_INVALID = "quote_signature_invalid"
    QUOTE_SIGNATURE_SCHEME_WRONG = "quote_signature_scheme_wrong"
    QUOTE_SIGNATURE_TOO_LONG = "quote_signature_too_long"
    QUOTE_SIGNATURE_TRAILING_BYTES = "quote_signature_trailing_bytes"
    QUOTE_SIGNATURE_TRUNCATED = "quote_signature_truncated"
    QUOTE_SIGNER_CHANGED = "quote_signer_changed"
    QUOTE_SIGNER_INVALID = "quote_signer_invalid"
