"""Whom this program believes: who signs models, and which registry releases them. Pinned here, never asked for.

trust/
  signers/training.pem       who may sign the files (P-256, P-384 or P-521)
  releasers/registry.pem     the registry's release key: `ostiary model release-key`

or, for certificates and Sigstore identities, a policy as `ostiary model verify --policy` reads it, with `releasers`:

      policy.toml
"""

from pathlib import Path

import msgspec


class ModelTrust(msgspec.Struct, frozen=True):
    """Pinned public keys, in PEM, or a policy file.

    Attributes:
        signers: who may sign the files of models.
        releasers: who may say which model is live; the registry's key. Never empty: then nothing is loaded.
        policy: a policy file instead of both; tenant, stage and the need of a release are not its to say.
    """

    signers: tuple[bytes, ...] = ()
    releasers: tuple[bytes, ...] = ()
    policy: str = ""

    @classmethod
    def from_folder(cls, folder: str | Path) -> "ModelTrust":
        """Read ``policy.toml``, or ``signers/*.pem`` and ``releasers/*.pem``.

        Raises:
            ValueError: one of the two has no key.
        """
        root = Path(folder)
        if (root / "policy.toml").is_file():
            return cls(policy=str(root / "policy.toml"))
        found = cls(_keys(root / "signers"), _keys(root / "releasers"))
        if not found.signers or not found.releasers:
            raise ValueError(f"`{root}` must hold signers/*.pem and releasers/*.pem")
        return found


def _keys(folder: Path) -> tuple[bytes, ...]:
    return tuple(one.read_bytes() for one in sorted(folder.glob("*.pem")))
