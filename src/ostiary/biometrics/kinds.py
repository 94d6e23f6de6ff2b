"""Which code reads which kind of model folder; a new kind adds one line.

A folder holds ``model.json``, whose ``kind`` names its reader, beside what that reader needs; it is read only from a
verified artefact.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from ostiary.artifacts import VerifiedArtifact
from ostiary.biometrics.digraphs import folder as digraphs
from ostiary.biometrics.keystroke import model as keystroke
from ostiary.biometrics.model import Model
from ostiary.biometrics.phrase import folder as phrase
from ostiary.biometrics.pointer import model as pointer
from ostiary.biometrics.sequence import folder as sequence
from ostiary.errors import FaultyInputError

ARTIFACT_KIND: Final = "biometrics-model"
SCHEMA_FILE: Final = "model.json"
Loader = Callable[[VerifiedArtifact], Model]


class _Head(msgspec.Struct):
    kind: str


def load(artifact: VerifiedArtifact) -> Model:
    """Return the model in a verified folder.

    Raises:
        FaultyInputError: ``biometrics_model_malformed``, ``biometrics_model_unknown``.
    """
    try:
        kind = msgspec.json.decode(artifact.files[SCHEMA_FILE], type=_Head).kind
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise FaultyInputError("biometrics_model_malformed", f"`{SCHEMA_FILE}` cannot be read") from fault
    if kind not in LOADERS:
        raise FaultyInputError("biometrics_model_unknown", f"no code reads models of kind `{kind[:64]}`")
    return LOADERS[kind](artifact)


LOADERS: Final[dict[str, Loader]] = {
    keystroke.KIND: keystroke.load,
    phrase.KIND: phrase.load,
    digraphs.KIND: digraphs.load,
    pointer.KIND: pointer.load,
    sequence.KIND: sequence.load,
}
