"""What the biometrics verbs share: their options, opening models, telling what was left out.

- Answers go to stdout, progress and what was left out to stderr.
- A model is verified before it is used: against the tenant's keys, or the shipped one against what the program pins.
"""

from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cyclopts import Parameter

from ostiary.artifacts import verify_artifact
from ostiary.cli.output import err
from ostiary.errors import UnavailableError
from ostiary.keys import KeyRing, VerifyingKey
from ostiary.server.places import Places
from ostiary.server.scoring import trusted_model_keys
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.ids import check_tenant

if TYPE_CHECKING:
    from ostiary.biometrics.model import Model
    from ostiary.biometrics.reading import Rejected
    from ostiary.biometrics.window import Modality

_SHOWN: Final = 20

Home = Annotated[
    Path | None,
    Parameter(name="--home", help="Data directory, whose keys sign models. Default: $OSTIARY_DATA, else ./.ostiary."),
]
Tenant = Annotated[str, Parameter(help="Tenant.")]
Kind = Literal["keystroke", "pointer", "sequence", "keystroke-features"]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Machine-readable output.")]
ModalityName = Annotated[Kind, Parameter(name="--modality", help="keystroke, pointer, sequence or keystroke-features.")]
ModelFolder = Annotated[
    Path | None, Parameter(name="--model", help="Folder of the model. Default: the shipped one, if there is one.")
]


def need_extra() -> None:
    """Say which command mends a missing extra.

    Raises:
        UnavailableError: ``biometrics_extra_missing``.
    """
    if find_spec("numpy") is None or find_spec("onnxruntime") is None:
        text = "behavioural biometrics need the biometrics extra: pip install 'ostiary[biometrics]'"
        raise UnavailableError("biometrics_extra_missing", text)


def model_of(folder: Path | None, modality: "Modality", home: Places, tenant: str) -> "Model":
    """Return the verified model of a folder, the shipped one without a folder.

    Raises:
        FaultyInputError: ``modality_other``, when it reads other windows.
    """
    from ostiary.biometrics import kinds  # noqa: PLC0415 - the biometrics extra may be absent
    from ostiary.biometrics.shipped import shipped_model  # noqa: PLC0415
    from ostiary.errors import FaultyInputError  # noqa: PLC0415

    if folder is None:
        return shipped_model(modality)
    model = kinds.load(verify_artifact(folder, keys_of(home, tenant), kind=kinds.ARTIFACT_KIND))
    if model.modality is not modality:
        raise FaultyInputError("modality_other", f"the model reads {model.modality.value} windows")
    return model


def keys_of(home: Places, tenant: str) -> list[VerifyingKey]:
    """Return the keys whose models a tenant believes."""
    return trusted_model_keys(home, KeyRing(home.keys / "ring", SystemClock()), check_tenant(tenant))


class LeftOut:
    """Tells what was left out: the first few by line, then how many."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._counts: Counter[Path] = Counter()

    def __call__(self, told: "Rejected") -> None:
        """Tell of one line."""
        self._counts[told.path] += 1
        if self._counts[told.path] <= _SHOWN:
            err.print(f"{told.path}:{told.line}: {told.code}: {told.text}", markup=False)

    def end(self) -> None:
        """Tell how many lines there were in all."""
        for path, count in self._counts.items():
            more = f", the first {_SHOWN} are above" if count > _SHOWN else ""
            err.print(f"{path}: {count:,} told and left out{more}", markup=False)
