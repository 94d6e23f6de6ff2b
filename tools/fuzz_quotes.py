"""Mutates quotes, signatures and keys for some seconds: `python tools/fuzz_quotes.py 60`.

Ends with 1 when anything else than a refusal of ours came out, or when a mutated quote was believed that the right key
did not sign. Every fourth quote is signed anew by the right key after it was mutated, which a real TPM never does.
"""

import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Final

from ostiary.errors import RefusedError
from ostiary.identity.attestation import Evidence, Expected, PcrPolicy, QuoteRefusal, verify_quote
from ostiary.testing.tpm import SoftTpm

NONCE: Final = b"n" * 32
LUCK: Final = Random(7)  # noqa: S311 - a fuzzer that can be repeated
CODES: Final = frozenset(QuoteRefusal)


def mutated(honest: bytes) -> bytes:
    """Return the bytes with some turned, cut out, put in or doubled."""
    data = bytearray(honest)
    for _ in range(LUCK.randint(1, 5)):
        at = LUCK.randrange(max(1, len(data)))
        match LUCK.randrange(4):
            case 0:
                data[at : at + 1] = LUCK.randbytes(1)
            case 1:
                del data[at : at + LUCK.randint(1, 9)]
            case 2:
                data[at:at] = LUCK.randbytes(LUCK.randint(1, 9))
            case _:
                data += data[at : at + LUCK.randint(1, 40)]
    return bytes(data)


def attempt(tpm: SoftTpm, honest: Evidence, expected: Expected) -> str:
    """Mutate one part, judge it, and return what came of it."""
    part = LUCK.randrange(4)
    quote, key = honest, expected.key
    if part == 0:
        quote = replace(quote, attest=mutated(quote.attest))
    elif part == 1:
        quote = replace(quote, signature=mutated(quote.signature))
    elif part == 2:  # noqa: PLR2004 - the third of four
        key = mutated(key)
    else:
        attest = mutated(quote.attest)
        quote = replace(quote, attest=attest, signature=tpm.sign(attest))
    try:
        verify_quote(quote, replace(expected, key=key))
    except RefusedError as no:
        return no.code if no.code in CODES else f"FOREIGN CODE {no.code}"
    if (quote.attest, key) == (honest.attest, expected.key):
        return "honest"
    return "signed by the right key" if part == 3 else "FORGERY BELIEVED"  # noqa: PLR2004 - the fourth of four


def run(seconds: float) -> Mapping[str, int]:
    """Try for some seconds; return how often what came out."""
    tpms = [SoftTpm.make(scheme) for scheme in ("ecdsa", "rsassa", "rsapss")]
    known = [
        (tpm, tpm.quote(NONCE), Expected(key=tpm.public, key_name=tpm.name, extra=NONCE, policy=PcrPolicy()))
        for tpm in tpms
    ]
    found: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found[attempt(*LUCK.choice(known))] += 1
    return found


def main() -> int:
    """Run and tell."""
    found = run(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
    for what, count in sorted(found.items(), key=lambda one: -one[1]):
        print(f"{count:9,}  {what}")
    print(f"{sum(found.values()):9,}  tries, {len(CODES & set(found))} codes")
    return int(any(what.isupper() or what.startswith("FOREIGN") for what in found))


if __name__ == "__main__":
    sys.exit(main())
