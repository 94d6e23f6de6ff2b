"""The platform registers that came beside a quote: do they make its digest, and are they as expected?

Rules:

- The values prove nothing by themselves; only the digest in the signed quote does. It is made anew from the values,
  in the order of the selection, and must be equal (TPM 2.0 Part 1 §17).
- Exactly the selected registers must be told: one more or one less is a lie about what was measured.
- Two policies: ``golden`` values that an administrator wrote down for a class of devices (any of several for each
  register), or ``baseline``: as they were when this very device was attested first.
- ``required`` registers must be among the quoted ones, whatever the policy: nobody passes by quoting little.

>>> made_digest((("sha256", (0, 7)),), {("sha256", 0): b"a" * 32, ("sha256", 7): b"b" * 32}, "sha256").hex()[:8]
'fdd2a64d'
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ostiary.identity.attestation.reasons import QuoteRefusal
from ostiary.identity.attestation.wire import refuse
from ostiary.keys.hashing import equal
from ostiary.keys.quoting import DIGEST_BYTES, digest

Pcrs = Mapping[tuple[str, int], bytes]
Selection = tuple[tuple[str, tuple[int, ...]], ...]
MAX_REPORTED: Final = 96


@dataclass(frozen=True, slots=True)
class PcrPolicy:
    """What the registers must be.

    Attributes:
        bank: the hash bank that counts.
        required: registers of the bank that must be quoted.
        golden: allowed values by register; empty compares with the device's own baseline.
    """

    bank: str = "sha256"
    required: tuple[int, ...] = (0, 2, 4, 7)
    golden: Mapping[int, frozenset[bytes]] = field(default_factory=dict)


def made_digest(selection: Selection, values: Pcrs, algorithm: str) -> bytes:
    """Return the digest that a TPM makes of these registers.

    Raises:
        KeyError: a selected register has no value.
    """
    return digest(algorithm, b"".join(values[bank, number] for bank, numbers in selection for number in numbers))


def check_digest(selection: Selection, values: Pcrs, algorithm: str, quoted: bytes) -> None:
    """Refuse values that are not those that were quoted.

    Raises:
        RefusedError: ``quote_pcr_…``.
    """
    selected = {(bank, number) for bank, numbers in selection for number in numbers}
    if len(values) > MAX_REPORTED:
        refuse(QuoteRefusal.QUOTE_PCR_TOO_MANY, f"{len(values)} registers are told, {MAX_REPORTED} are allowed")
    if selected - set(values):
        refuse(QuoteRefusal.QUOTE_PCR_MISSING, "a register was quoted whose value is not told")
    if set(values) - selected:
        refuse(QuoteRefusal.QUOTE_PCR_NOT_SELECTED, "the value of a register is told that was not quoted")
    if any(len(value) != DIGEST_BYTES[bank] for (bank, _), value in values.items()):
        refuse(QuoteRefusal.QUOTE_PCR_LENGTH_WRONG, "the value of a register has not the length of its hash")
    if not equal(made_digest(selection, values, algorithm), quoted):
        refuse(QuoteRefusal.QUOTE_PCR_DIGEST_WRONG, "the registers that are told are not those that were quoted")


def check_policy(values: Pcrs, policy: PcrPolicy, baseline: Mapping[int, bytes] | None) -> dict[int, bytes]:
    """Return the registers that count, or refuse values that are not as expected.

    Args:
        values: registers that made the quoted digest.
        policy: what they must be.
        baseline: what they were at first; ``None`` when this is the first time.

    Raises:
        RefusedError: ``quote_pcr_required``, ``quote_pcr_not_golden`` or ``quote_pcr_changed``.
    """
    missing = [number for number in policy.required if (policy.bank, number) not in values]
    if missing:
        refuse(QuoteRefusal.QUOTE_PCR_REQUIRED, f"register {missing[0]} of {policy.bank} must be quoted")
    counted = {number: values[policy.bank, number] for number in policy.required}
    for number, allowed in policy.golden.items():
        if counted.get(number, values.get((policy.bank, number))) not in allowed:
            refuse(
                QuoteRefusal.QUOTE_PCR_NOT_GOLDEN, f"register {number} has none of the values that are known to be good"
            )
    if policy.golden or baseline is None:
        return counted
    changed = [number for number in policy.required if number in baseline and counted[number] != baseline[number]]
    if changed or set(policy.required) - set(baseline):
        where = changed[0] if changed else min(set(policy.required) - set(baseline))
        refuse(QuoteRefusal.QUOTE_PCR_CHANGED, f"register {where} is not as it was when the device was attested first")
    return counted
