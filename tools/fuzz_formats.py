"""Mutates model files and pickles for some seconds: `python tools/fuzz_formats.py 60`.

Ends with 1 when a parser or the scanner raised anything but a refusal of ours, when a pickle was called safe, or when
the walk of opcodes and Python's own table disagree about what a mutated pickle imports. Nothing is ever loaded.
"""

import pickletools
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final

from ostiary.artifacts.formats import Misfit, judge
from ostiary.artifacts.pickles import walk
from ostiary.artifacts.scanning import scan_bytes
from ostiary.testing.models import lightgbm_text, safetensors_bytes

LUCK: Final = Random(6)  # noqa: S311 - a fuzzer that can be repeated
GOLDEN: Final = Path(__file__).parents[1] / "tests" / "golden" / "formats"
TINY_ONNX: Final = bytes.fromhex("080a3a00420210153a00")[:8]
MODELS: Final = {
    "m.safetensors": safetensors_bytes(1.0, 2.0, 3.0),
    "m.onnx": TINY_ONNX,
    "model.txt": lightgbm_text().encode(),
    **{file.name: file.read_bytes() for file in sorted(GOLDEN.glob("*.[ju]*"))},
}
PICKLES: Final = (
    b"cos\nsystem\n(S'id'\ntR.",
    b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.",
    b"\x80\x04}\x94(\x8c\x01a\x94]\x94(K\x01K\x02e\x8c\x01b\x94G?\xf0\x00\x00\x00\x00\x00\x00u.",
    b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01.",
    b"(dp0\nS'a'\np1\n(lp2\nI1\naI2\nas.",
)


def mutated(honest: bytes) -> bytes:
    """Return the bytes with some turned, cut out, put in, doubled or made large."""
    data = bytearray(honest)
    for _ in range(LUCK.randint(1, 4)):
        at = LUCK.randrange(max(1, len(data)))
        match LUCK.randrange(5):
            case 0:
                data[at : at + 1] = LUCK.randbytes(1)
            case 1:
                del data[at : at + LUCK.randint(1, 9)]
            case 2:
                data[at:at] = LUCK.randbytes(LUCK.randint(1, 9))
            case 3:
                data[at : at + 4] = b"\xff\xff\xff\x7f"
            case _:
                data += data[at : at + LUCK.randint(1, 40)]
    return bytes(data)


def try_model() -> str:
    """Mutate one model and return what came of it."""
    name = LUCK.choice(sorted(MODELS))
    data = mutated(MODELS[name])
    try:
        judge(name, memoryview(data))
    except Misfit as fault:
        return fault.reason
    return "accepted"


def try_pickle() -> str:
    """Mutate one pickle; compare what it imports with what Python's table of opcodes says."""
    data = mutated(LUCK.choice(PICKLES))
    report = scan_bytes("m.pkl", data)
    if report.verdict == "safe":
        return "PICKLE CALLED SAFE"
    seen, told = walk(memoryview(data)), _told(data)
    missed = [one for one in told if not any(one.startswith(f"{module} ") for module in seen.modules)]
    if seen.stopped and missed and b"\\" not in data:  # pickletools reads escapes, unpicklers do not
        return f"IMPORT MISSED {missed} {data!r}"
    return f"pickle {report.verdict}"


def _told(data: bytes) -> list[str]:
    """Return module and name of each GLOBAL, by pickletools; nothing when it gives up."""
    try:
        found = [(op.name, argument) for op, argument, _ in pickletools.genops(data)]
    except Exception:  # noqa: BLE001 - pickletools raises many kinds for odd bytes
        return []
    return [str(argument) for name, argument in found if name == "GLOBAL"]


def main(seconds: float) -> int:
    """Fuzz for ``seconds`` and print what came of it."""
    outcomes: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        outcomes[try_model()] += 1
        outcomes[try_pickle()] += 1
    for outcome, count in outcomes.most_common():
        print(f"{count:9} {outcome}")
    return int(any(outcome.isupper() or outcome.startswith(("PICKLE", "IMPORT")) for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))
