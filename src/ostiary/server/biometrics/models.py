"""Which model judges the windows of a modality: a tenant's own, the deployment's, or the one that is shipped.

- Only from a verified folder, signed by a key that the tenant believes; the shipped one is held to its pin.
- A model that does not load is told and is none: nobody is judged by it, nobody is worse off (law 1).
- They are loaded at their first window and kept; ``reload`` loads them as they are on disk now.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from ostiary.artifacts import verify_artifact
from ostiary.biometrics import kinds
from ostiary.biometrics.model import Model
from ostiary.biometrics.window import Modality
from ostiary.errors import OstiaryError, UnavailableError
from ostiary.keys import VerifyingKey
from ostiary.server.places import DEFAULT_TENANT

FOLDER: Final = "biometrics"
ABSENT: Final = "biometrics_model_absent"
FAILED: Final = "biometrics_model_failed"
Keys = Callable[[str], list[VerifyingKey]]
Shipped = Callable[[Modality], Model]


class BehaviourModels:
    """Models by tenant and modality; safe for threads."""

    def __init__(
        self, root: Path, keys: Keys, shipped: Shipped, on_fault: Callable[[str, BaseException], None]
    ) -> None:
        """Take the data directory, whose models a tenant believes, what gives a shipped one, and whom to tell."""
        self._root, self._keys, self._shipped, self._on_fault = root, keys, shipped, on_fault
        self._lock = threading.Lock()
        self._models: dict[tuple[str, Modality], Model | None] = {}

    def model(self, tenant: str, modality: Modality) -> Model | None:
        """Return the model in force, or ``None``."""
        name = (tenant, modality)
        if name not in self._models:
            with self._lock:
                if name not in self._models:
                    self._models[name] = self._first(tenant, modality)
        return self._models[name]

    def put(self, tenant: str, modality: Modality, model: Model) -> None:
        """Use a model that was loaded elsewhere."""
        with self._lock:
            self._models[tenant, modality] = model

    def reload(self) -> None:
        """Load every model anew at its next window."""
        with self._lock:
            self._models.clear()

    def folder(self, tenant: str, modality: Modality) -> Path | None:
        """Return the folder of an installed model: the tenant's own before the deployment's."""
        return next((place for place in self.places(tenant, modality) if place.is_dir()), None)

    def places(self, tenant: str, modality: Modality) -> Sequence[Path]:
        """Return where a tenant's model may lie."""
        owners = dict.fromkeys((tenant, DEFAULT_TENANT))
        return [self._root / FOLDER / owner / modality.value for owner in owners]

    def opened(self, tenant: str, modality: Modality) -> Model:
        """Return the model as it is on disk now.

        Raises:
            OstiaryError: ``biometrics_model_absent``, or why it does not load.
        """
        folder = self.folder(tenant, modality)
        if folder is None:
            return self._shipped(modality)
        artifact = verify_artifact(folder, self._keys(tenant), kind=kinds.ARTIFACT_KIND)
        if artifact.predicate.tenant not in {"", tenant, DEFAULT_TENANT}:
            raise UnavailableError("biometrics_model_other", f"`{folder}` is another tenant's model")
        found = kinds.load(artifact)
        if found.modality is not modality:
            raise UnavailableError("biometrics_model_other", f"`{folder}` judges {found.modality}, not {modality}")
        return found

    def _first(self, tenant: str, modality: Modality) -> Model | None:
        try:
            return self.opened(tenant, modality)
        except ImportError as fault:
            self._on_fault("biometrics_extra_missing", fault)
        except OstiaryError as fault:
            if fault.code != ABSENT:
                self._on_fault(fault.code, fault)
        except Exception as fault:  # noqa: BLE001 - numbers and graphs break in ways of their own; none is tried again
            self._on_fault(FAILED, fault)
        return None
