"""Reads a TPMS_ATTEST that is a quote (TPM 2.0 Part 2 §10.12): all of it is a claim until the signature is checked.

>>> from ostiary.testing.tpm import SoftTpm
>>> read_quote(SoftTpm.make().quote(b"n" * 32).attest).extra == b"n" * 32
True
"""

from dataclasses import dataclass
from typing import Final

from ostiary.identity.attestation.reasons import QuoteRefusal
from ostiary.identity.attestation.wire import ATTEST, HASHES, Reader, refuse

_MAGIC: Final = 0xFF544347  # TPM_GENERATED_VALUE: the TPM signs nothing of others that begins so
_QUOTE: Final = 0x8018  # TPM_ST_ATTEST_QUOTE
_MAX_NAME: Final = 66
_MAX_EXTRA: Final = 66
_MAX_DIGEST: Final = 64
_MAX_BANKS: Final = 8
_MAX_SELECT: Final = 4
PCR_COUNT: Final = 24


@dataclass(frozen=True, slots=True)
class ClockInfo:
    """The TPM's own time: milliseconds since it was made, and how often it was reset and restarted."""

    clock: int
    resets: int
    restarts: int
    safe: bool


@dataclass(frozen=True, slots=True)
class Quote:
    """A quote in parts; ``selection`` is (bank, registers in rising order), in the TPM's own order."""

    signer: bytes
    extra: bytes
    clock: ClockInfo
    firmware: int
    selection: tuple[tuple[str, tuple[int, ...]], ...]
    digest: bytes


def read_quote(data: bytes) -> Quote:
    """Take a quote apart.

    Raises:
        RefusedError: ``quote_attest_…``, ``quote_pcr_…``, ``quote_signer_invalid`` or ``quote_clock_safe_invalid``.
    """
    reader = Reader(data, ATTEST)
    if reader.number(4) != _MAGIC:
        refuse(QuoteRefusal.QUOTE_ATTEST_MAGIC_WRONG, "the statement was not made by a TPM")
    if reader.number(2) != _QUOTE:
        refuse(QuoteRefusal.QUOTE_ATTEST_TYPE_WRONG, "the statement is no quote")
    signer = reader.sized(_MAX_NAME)
    if not signer:
        refuse(QuoteRefusal.QUOTE_SIGNER_INVALID, "the statement does not say which key signed it")
    extra = reader.sized(_MAX_EXTRA)
    clock = _clock(reader)
    firmware = reader.number(8)
    selection = _selection(reader)
    found = Quote(signer, extra, clock, firmware, selection, reader.sized(_MAX_DIGEST))
    reader.end()
    return found


def _clock(reader: Reader) -> ClockInfo:
    clock, resets, restarts, safe = reader.number(8), reader.number(4), reader.number(4), reader.number(1)
    if safe > 1:
        refuse(QuoteRefusal.QUOTE_CLOCK_SAFE_INVALID, "whether the clock is safe is neither yes nor no")
    return ClockInfo(clock, resets, restarts, bool(safe))


def _selection(reader: Reader) -> tuple[tuple[str, tuple[int, ...]], ...]:
    count = reader.number(4)
    if count > _MAX_BANKS:
        refuse(QuoteRefusal.QUOTE_PCR_SELECTION_INVALID, f"{count} banks are selected, {_MAX_BANKS} are allowed")
    banks = [_bank(reader) for _ in range(count)]
    names = [bank for bank, _ in banks]
    if len(set(names)) != len(names):
        refuse(QuoteRefusal.QUOTE_PCR_BANK_TWICE, "a bank is selected twice")
    if not any(registers for _, registers in banks):
        refuse(QuoteRefusal.QUOTE_PCR_SELECTION_EMPTY, "no register is selected")
    return tuple(banks)


def _bank(reader: Reader) -> tuple[str, tuple[int, ...]]:
    bank = HASHES.get(reader.number(2))
    if bank is None:
        refuse(QuoteRefusal.QUOTE_PCR_BANK_NOT_ALLOWED, "registers of a bank are quoted that is not used here")
    size = reader.number(1)
    if not 1 <= size <= _MAX_SELECT:
        refuse(QuoteRefusal.QUOTE_PCR_SELECTION_INVALID, f"a selection has 1 to {_MAX_SELECT} bytes, this one {size}")
    bits = int.from_bytes(reader.take(size), "little")  # bit n of byte m is register 8 m + n
    if bits >> PCR_COUNT:
        refuse(
            QuoteRefusal.QUOTE_PCR_SELECTION_INVALID, f"a register beyond the {PCR_COUNT} that there are is selected"
        )
    return bank, tuple(number for number in range(PCR_COUNT) if bits >> number & 1)
