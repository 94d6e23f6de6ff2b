"""Digest and public key of every shipped model; ``tools/ship_biometrics.py`` writes this file."""

from typing import Final

PINS: Final[dict[str, dict[str, str]]] = {
    "pointer": {
        "digest": "sha256:e27a8f561e7c97073921c870f0df065a966db9e28466752dc37dad239ff4e068",
        "key": "119ecdc86114f2b1ae18e930b9a6db2beae90fde202d56f664e35d06b8de5bd3",
    }
}
