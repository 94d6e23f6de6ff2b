"""A model that was verified and loaded; close it, or use it in a ``with``, to give its private copy back."""

import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class LoadedModel:
    """What was loaded, and what it is.

    Attributes:
        name, version, stage, digest: which model.
        counter: the stage's counter: it only grows.
        format: ``safetensors``, ``lightgbm``, ``xgboost``, ``onnx`` or ``folder``.
        model: what the native loader gave: tensors by name, or a booster or session; ``None`` for a folder.
        decision_id: the decision that let it be loaded.
    """

    def __init__(self, verified: Any, model: Any, *, told: Mapping[str, Any]) -> None:
        """Keep the verified bytes for as long as the model is used."""
        self._verified = verified
        self._end = weakref.finalize(self, verified.close)  # whoever forgets to close leaves no copy behind
        self.model = model
        self.name: str = told["name"]
        self.version: int = told["version"]
        self.stage: str = told["stage"]
        self.digest: str = told["digest"]
        self.counter: int = told["counter"]
        self.format: str = told["format"]
        self.decision_id: str = told["decision_id"]

    def __repr__(self) -> str:  # type: ignore[explicit-override] # typing.override is not in 3.11
        """Say which model it is."""
        return f"LoadedModel({self.name!r}, version={self.version}, stage={self.stage!r}, digest={self.digest!r})"

    @property
    def folder(self) -> Path:
        """The private folder with the verified files, for a loader that wants one."""
        folder: Path = self._verified.folder
        return folder

    @property
    def files(self) -> Mapping[str, Any]:
        """The verified files by path; each has ``read()``, ``view()`` and ``open()``."""
        files: Mapping[str, Any] = self._verified.files
        return files

    def __enter__(self) -> Self:
        """Return the model itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Erase the private copy."""
        self._end()
