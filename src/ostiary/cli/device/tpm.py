"""Quotes of the TPM in this machine, through ``tpm2-pytss``; nothing of it is imported before it is needed.

- The attestation key is a primary key of the endorsement hierarchy made from a fixed template: the TPM makes the same
  key each time, so there is nothing to store and nothing to steal from the disk.
- Keys of that hierarchy see the TPM's reset and restart counters as they are; in others they are obfuscated
  (TPM 2.0 Part 1 §36.7).
- A good quote needs the right to use the TPM (group ``tss`` or root for ``/dev/tpmrm0``).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from ostiary.errors import UnavailableError
from ostiary.identity.attestation.verify import Evidence

DEFAULT_TCTI: Final = "device:/dev/tpmrm0"
TEMPLATE: Final = "ecc:ecdsa-sha256:null"
ATTRIBUTES: Final = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign"
_READ_AT_ONCE: Final = 8  # PCR_Read returns at most eight registers a call


class Tpm:
    """One open TPM with its attestation key."""

    def __init__(self, pytss: Any, esapi: Any, wanted: str) -> None:
        """Make the attestation key from a template; use ``open_tpm``."""
        self._pytss, self._esapi = pytss, esapi
        template = pytss.TPM2B_PUBLIC.parse(wanted, objectAttributes=ATTRIBUTES, nameAlg="sha256")
        made = esapi.create_primary(None, template, pytss.ESYS_TR.ENDORSEMENT)
        self._handle, public = made[0], made[1]
        self.public: bytes = bytes(public.marshal())

    def quote(self, extra: bytes, registers: Mapping[str, Sequence[int]]) -> Evidence:
        """Quote registers, told by bank, for ``extra``, and read them."""
        selection = "+".join(f"{bank}:{','.join(map(str, numbers))}" for bank, numbers in registers.items())
        quoted, signature = self._esapi.quote(self._handle, selection, extra)
        values = {
            key: value for bank, numbers in registers.items() for key, value in self._values(numbers, bank).items()
        }
        return Evidence(bytes(quoted.attestationData), bytes(signature.marshal()), values)

    def extend(self, number: int, measured: bytes) -> None:
        """Extend a register by what was measured, in every bank: only for a software TPM that is tried out."""
        self._esapi.pcr_event(self._pytss.ESYS_TR(number), measured)

    def _values(self, numbers: Sequence[int], bank: str) -> dict[tuple[str, int], bytes]:
        values: dict[tuple[str, int], bytes] = {}
        for begin in range(0, len(numbers), _READ_AT_ONCE):
            part = sorted(numbers[begin : begin + _READ_AT_ONCE])
            _, _, digests = self._esapi.pcr_read(f"{bank}:" + ",".join(str(number) for number in part))
            values.update({(bank, number): bytes(value) for number, value in zip(part, digests, strict=True)})
        return values

    def close(self) -> None:
        """Forget the key in the TPM."""
        self._esapi.flush_context(self._handle)


@contextmanager
def open_tpm(tcti: str = DEFAULT_TCTI, template: str = TEMPLATE) -> Iterator[Tpm]:
    """Open the TPM that ``tcti`` names, such as ``device:/dev/tpmrm0`` or ``swtpm:path=/run/swtpm.sock``.

    Raises:
        UnavailableError: ``tpm_extra_missing`` or ``tpm_unavailable``.
    """
    try:
        import tpm2_pytss as pytss  # noqa: PLC0415 - an extra with a C library behind it
    except ImportError as fault:
        text = "the TPM is reached through `tpm2-pytss`: run `pip install 'ostiary[tpm]'` (needs libtss2-dev)"
        raise UnavailableError("tpm_extra_missing", text) from fault
    try:
        esapi = pytss.ESAPI(tcti)
    except (pytss.TSS2_Exception, RuntimeError, OSError) as fault:
        raise UnavailableError("tpm_unavailable", f"no TPM answers at `{tcti[:120]}`: {fault}") from fault
    with esapi:
        try:
            tpm = Tpm(pytss, esapi, template)
            try:
                yield tpm
            finally:
                tpm.close()
        except pytss.TSS2_Exception as fault:
            raise UnavailableError("tpm_unavailable", f"the TPM refused: {fault}") from fault
