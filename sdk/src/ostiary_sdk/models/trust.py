"""Whom this program believes: who signs models, and which registry releases them. Pinned here, never asked for.

trust/
  signers/training.pem       who may sign the files (P-256, P-384 or P-521)
  releasers/registry.pem     the registry's release key: `ostiary model release-key`
"""

from pathlib import Path

import msgspec


class ModelTrust(msgspec.Struct, frozen=True):
    """Pinned public keys, in PEM.

    Attributes:
        signers: who may sign the files of models.
        releasers: who may say which model is live; the registry's key. Never empty: then nothing is loaded.
    """

    signers: tuple[bytes, ...]
    releasers: tuple[bytes, ...]

    @classmethod
    def from_folder(cls, folder: str | Path) -> "ModelTrust":
        """Read ``signers/*.pem`` and ``releasers/*.pem``.

        Raises:
            ValueError: one of the two has no key.
        """
        root = Path(folder)
        found = cls(*(tuple(one.read_bytes() for one in sorted((root / part).glob("*.pem"))) for part in _PARTS))
        if not found.signers or not found.releasers:
            raise ValueError(f"`{root}` must hold signers/*.pem and releasers/*.pem")
        return found


_PARTS = ("signers", "releasers")
