"""The models that come with Ostiary, held to digests that are part of the program.

- A shipped folder is a signed artefact like any other; its key was made for the one signature and thrown away. Key and
  digest stand in ``shipped_pins.py``: only who can change the program can exchange a model.
- A modality without a pin has no shipped model: the licence of the data did not allow it, or nobody trained one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from ostiary.artifacts import VerifiedArtifact, verify_artifact
from ostiary.artifacts.shipped import models_dir
from ostiary.biometrics import kinds
from ostiary.biometrics.model import Model
from ostiary.biometrics.shipped_pins import PINS
from ostiary.biometrics.window import Modality
from ostiary.errors import UnavailableError
from ostiary.keys import EDDSA, VerifyingKey

FOLDER: Final = "biometrics"


class Pin(msgspec.Struct, frozen=True):
    """What a shipped model is held to: digest of its signed statement, and the raw public key in hexadecimal."""

    digest: str
    key: str


def shipped_pins() -> Mapping[Modality, Pin]:
    """Return what is shipped, by modality."""
    return {Modality(name): Pin(**told) for name, told in PINS.items()}


def shipped_folder(modality: Modality) -> Path:
    """Return where a modality's shipped model lies, whether there is one or not."""
    return models_dir() / FOLDER / modality.value


def shipped_artifact(modality: Modality, pins: Mapping[Modality, Pin] | None = None) -> VerifiedArtifact:
    """Return the verified bytes of a modality's shipped model.

    Raises:
        UnavailableError: ``biometrics_model_absent``, where none is shipped.
        VerificationError: where the folder is not the one that was shipped.
    """
    pin = (shipped_pins() if pins is None else pins).get(modality)
    if pin is None:
        text = (
            f"no {modality.value} model is shipped: train one on your own users with"
            f" `ostiary biometrics train --modality {modality.value} --data DIR --out MODEL`, and name it with --model"
        )
        raise UnavailableError("biometrics_model_absent", text)
    key = VerifyingKey.from_raw("shipped", EDDSA, bytes.fromhex(pin.key))
    return verify_artifact(shipped_folder(modality), [key], kind=kinds.ARTIFACT_KIND, pinned=pin.digest)


def shipped_model(modality: Modality) -> Model:
    """Return a modality's shipped model.

    Raises:
        UnavailableError: ``biometrics_model_absent``.
        VerificationError: as ``shipped_artifact``.
    """
    return kinds.load(shipped_artifact(modality))
