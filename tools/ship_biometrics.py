"""Makes a trained model of behaviour the one that is shipped: ``python tools/ship_biometrics.py MODALITY MODEL``.

- ``MODEL`` is a folder that ``ostiary biometrics train`` wrote. Look at its card first: only data whose licence
  allows it may have taught it.
- The files are signed anew, by a key that is thrown away at once; key and digest are pinned in ``shipped_pins.py``.
"""

import subprocess
import sys
from pathlib import Path

from ostiary.artifacts import MANIFEST_NAME, ArtifactPredicate
from ostiary.artifacts.placing import write_signed
from ostiary.biometrics import kinds
from ostiary.biometrics.shipped import shipped_artifact, shipped_folder
from ostiary.biometrics.shipped_pins import PINS
from ostiary.biometrics.window import Modality
from ostiary.keys import SigningKey
from ostiary.vocabulary.clock import SystemClock

ROOT = Path(__file__).resolve().parents[1]
PINNED = ROOT / "src" / "ostiary" / "biometrics" / "shipped_pins.py"
PRODUCER = "tools/ship_biometrics.py"
TEXT = '''"""Digest and public key of every shipped model; ``tools/ship_biometrics.py`` writes this file."""

from typing import Final

PINS: Final[dict[str, dict[str, str]]] = {pins!r}
'''


def ship(modality: Modality, model: Path) -> str:
    """Put ``model`` in its shipped place, pin it, and return its digest."""
    files = {path.name: path.read_bytes() for path in sorted(model.iterdir()) if path.name != MANIFEST_NAME}
    key = SigningKey.generate("shipped")
    made = ArtifactPredicate(kind=kinds.ARTIFACT_KIND, created_ns=SystemClock().now_ns(), producer=PRODUCER)
    digest = write_signed(files, shipped_folder(modality), key, made)
    PINS[modality.value] = {"digest": digest, "key": key.public.raw.hex()}
    PINNED.write_text(TEXT.format(pins=dict(sorted(PINS.items()))), "utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(PINNED)], check=True)  # noqa: S603 - ours
    kinds.load(shipped_artifact(modality))
    return digest


if __name__ == "__main__":
    print(ship(Modality(sys.argv[1]), Path(sys.argv[2])))
