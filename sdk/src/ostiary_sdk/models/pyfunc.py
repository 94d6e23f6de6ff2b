"""The one loader that MLflow runs for models of the registry: it reads native formats from the folder it is given.

The folder was verified and written by ``ostiary_sdk.models.mlflow_repository`` a moment ago, private to this user.
"""

import json
from pathlib import Path
from typing import Any

from ostiary_sdk.models import native


class _File:
    """A file of the folder, as ``native`` wants it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes:
        """Return the bytes."""
        return self._path.read_bytes()


class Predictor:
    """What MLflow calls: the native model with ``predict``."""

    def __init__(self, model: Any) -> None:
        """Wrap a model."""
        self.model = model

    def predict(self, rows: Any, params: Any = None) -> Any:
        """Return the model's answer for ``rows``.

        Raises:
            TypeError: the model is bare tensors, which predict nothing.
        """
        del params
        predict = getattr(self.model, "predict", None)
        if predict is None:
            raise TypeError(
                "this model has no `predict` of its own: take `unwrap_python_model` or `ostiary_sdk.load_model`"
            )
        return predict(rows)


def _load_pyfunc(path: str) -> Predictor:
    """Load the model in ``path``; called by MLflow."""
    folder = Path(path)
    kind = json.loads((folder / "MLmodel").read_text())["model_format"]
    found = {one.relative_to(folder).as_posix(): _File(one) for one in folder.rglob("*") if one.is_file()}
    return Predictor(native.load(kind, {name: file for name, file in found.items() if name != "MLmodel"}))
