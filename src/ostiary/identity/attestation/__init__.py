"""Quotes of a TPM 2.0, read and judged in pure Python: the server needs no TPM software.

A quote is a statement that a TPM signs with a key that signs nothing else: these platform registers had these values,
and here is your nonce. ``quote.py``, ``public.py`` and ``signature.py`` read the TPM's own structures with bounds,
``verify.py`` says what must be true of them, ``pcrs.py`` compares the registers with what is expected.

Who vouches that the key lies in a TPM at all is the enrolment's matter (ADR-0016).
"""

from ostiary.identity.attestation.pcrs import PcrPolicy
from ostiary.identity.attestation.reasons import QuoteRefusal
from ostiary.identity.attestation.verify import Evidence, Expected, Quoted, verify_quote

__all__ = ["Evidence", "Expected", "PcrPolicy", "QuoteRefusal", "Quoted", "verify_quote"]
