"""A public fake of a TPM 2.0 that quotes: pure Python, its keys in this process, so it proves nothing to anybody.

It writes the same structures as a real one (TPM 2.0 Part 2) and, unlike a real one, tells any lie it is asked for:
every field of the statement and of the key can be replaced before it is signed. Tests and demonstrations use it; a
real quote of swtpm lies in ``tests/golden/tpm`` to show that it writes what TPMs write.

>>> tpm = SoftTpm.make()
>>> tpm.extend(7, b"a new boot policy")
>>> tpm.quote(b"nonce").pcrs["sha256", 7].hex()[:8]
'01080fc9'
"""

from collections.abc import Sequence
from typing import Final, Literal, Self

import msgspec

from ostiary.identity.attestation.verify import Evidence
from ostiary.keys.quoting import DIGEST_BYTES, QuoteSigner, digest

Scheme = Literal["rsassa", "rsapss", "ecdsa"]
MAGIC: Final = 0xFF544347
QUOTE: Final = 0x8018
HASH_IDS: Final = {"sha1": 0x0004, "sha256": 0x000B, "sha384": 0x000C, "sha512": 0x000D}
SCHEME_IDS: Final = {"rsassa": 0x0014, "rsapss": 0x0016, "ecdsa": 0x0018}
CURVE_IDS: Final = {"P-256": 0x0003, "P-384": 0x0004}
NULL: Final = 0x0010
# fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted, sign
GOOD_KEY: Final = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 16 | 1 << 18
_SELECT_BYTES: Final = 3
_ENDORSEMENT: Final = 0x4000000B


def sized(data: bytes) -> bytes:
    """Return a TPM2B: two bytes of length, then the data."""
    return len(data).to_bytes(2, "big") + data


def u(number: int, size: int) -> bytes:
    """Return an unsigned number of so many bytes."""
    return number.to_bytes(size, "big")


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """Every field of a TPMS_ATTEST; replace one to forge it."""

    magic: int = MAGIC
    kind: int = QUOTE
    signer: bytes
    extra: bytes
    clock: int
    resets: int
    restarts: int
    safe: int = 1
    firmware: int
    selection: tuple[tuple[int, bytes], ...]
    digest: bytes

    def encode(self) -> bytes:
        """Write it as a TPM does."""
        head = u(self.magic, 4) + u(self.kind, 2) + sized(self.signer) + sized(self.extra)
        clock = u(self.clock, 8) + u(self.resets, 4) + u(self.restarts, 4) + u(self.safe, 1)
        banks = b"".join(u(bank, 2) + u(len(bits), 1) + bits for bank, bits in self.selection)
        return head + clock + u(self.firmware, 8) + u(len(self.selection), 4) + banks + sized(self.digest)


class KeyShape(msgspec.Struct, frozen=True, kw_only=True):
    """What a TPM2B_PUBLIC says beside the numbers; replace something to make a key that may not quote."""

    attributes: int = GOOD_KEY
    name_hash: int = HASH_IDS["sha256"]
    scheme: int
    scheme_hash: int
    symmetric: bytes = u(NULL, 2)
    curve: int = CURVE_IDS["P-256"]
    kdf: int = NULL
    bits: int = 2048
    exponent: int = 0


class SoftTpm:
    """One software TPM with one attestation key, a bank of registers, and a clock that is moved by hand."""

    def __init__(self, signer: QuoteSigner, scheme: Scheme, made: str, bank: str) -> None:
        """Take the key, what it signs with, and the bank of its registers; use ``make``."""
        self._signer, self._scheme, self._hash, self._bank = signer, scheme, made, bank
        self.shape = KeyShape(scheme=SCHEME_IDS[scheme], scheme_hash=HASH_IDS[made])
        self._pcrs = {number: bytes(DIGEST_BYTES[bank]) for number in range(24)}
        self.clock, self.resets, self.restarts, self.firmware = 1_000, 1, 0, 0x2019_1023_0000_0000

    @classmethod
    def make(cls, scheme: Scheme = "ecdsa", made: str = "sha256", bank: str = "sha256") -> Self:
        """Make a TPM with a fresh attestation key."""
        signer = QuoteSigner.generate_ec() if scheme == "ecdsa" else QuoteSigner.generate_rsa()
        return cls(signer, scheme, made, bank)

    @property
    def public(self) -> bytes:
        """The attestation key as a TPM2B_PUBLIC."""
        return sized(self._area())

    @property
    def name(self) -> bytes:
        """The TPM's name of the attestation key."""
        return u(HASH_IDS["sha256"], 2) + digest("sha256", self._area())

    def _area(self) -> bytes:
        shape, numbers = self.shape, self._signer.numbers
        rsa = self._scheme != "ecdsa"
        head = u(0x0001 if rsa else 0x0023, 2) + u(shape.name_hash, 2) + u(shape.attributes, 4) + sized(b"")
        scheme = shape.symmetric + u(shape.scheme, 2) + (b"" if shape.scheme == NULL else u(shape.scheme_hash, 2))
        if rsa:
            return head + scheme + u(shape.bits, 2) + u(shape.exponent, 4) + sized(numbers[0])
        return head + scheme + u(shape.curve, 2) + u(shape.kdf, 2) + sized(numbers[0]) + sized(numbers[1])

    def extend(self, number: int, measured: bytes) -> None:
        """Extend a register by the digest of what was measured."""
        self._pcrs[number] = digest(self._bank, self._pcrs[number] + digest(self._bank, measured))

    def reset(self) -> None:
        """Switch the machine off and on: one more reset, no restarts, registers at their beginning."""
        self.resets, self.restarts = self.resets + 1, 0
        self._pcrs = {number: bytes(DIGEST_BYTES[self._bank]) for number in range(24)}

    def statement(self, extra: bytes, numbers: Sequence[int] = (0, 2, 4, 7)) -> Statement:
        """Return the statement that an honest TPM would sign now."""
        bits = sum(1 << number for number in numbers).to_bytes(_SELECT_BYTES, "little")
        hierarchy = digest("sha256", u(_ENDORSEMENT, 4) + self.name)
        return Statement(
            signer=u(HASH_IDS["sha256"], 2) + hierarchy,
            extra=extra,
            clock=self.clock,
            resets=self.resets,
            restarts=self.restarts,
            firmware=self.firmware,
            selection=((HASH_IDS[self._bank], bits),),
            digest=digest(self._hash, b"".join(self._pcrs[number] for number in sorted(numbers))),
        )

    def values(self, numbers: Sequence[int] = (0, 2, 4, 7)) -> dict[tuple[str, int], bytes]:
        """Return the registers as they are told beside a quote."""
        return {(self._bank, number): self._pcrs[number] for number in numbers}

    def quote(self, extra: bytes, numbers: Sequence[int] = (0, 2, 4, 7)) -> Evidence:
        """Quote honestly; the clock goes on by a second."""
        self.clock += 1_000
        attest = self.statement(extra, numbers).encode()
        return Evidence(attest, self.sign(attest), self.values(numbers))

    def sign(self, attest: bytes) -> bytes:
        """Sign whatever it is given, which a real attestation key never does; return a TPMT_SIGNATURE."""
        if self._scheme == "ecdsa":
            parts = self._signer.sign_ecdsa(self._hash, attest)
        else:
            parts = self._signer.sign_rsa(self._scheme, self._hash, attest)
        head = u(SCHEME_IDS[self._scheme], 2) + u(HASH_IDS[self._hash], 2)
        return head + b"".join(sized(part) for part in parts)
