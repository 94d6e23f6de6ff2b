"""Native loaders, by format: each reads the bytes that were verified, and none runs what it reads.

Libraries are imported when a model of their format comes; pickles have no loader here.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ostiary_sdk.models.door import LoadError

Files = Mapping[str, Any]
"""Verified files by path; each has ``read()`` and ``size``."""


def load(kind: str, files: Files) -> Any:
    """Return the model of a format, or ``None`` for one that is handed over as a folder.

    Raises:
        LoadError: ``model_ambiguous`` when more than one file could be the model; ``library_missing``.
    """
    loader = _LOADERS.get(kind)
    if loader is None:
        return None
    try:
        return loader(files)
    except ImportError as fault:
        raise LoadError("library_missing", f"a model of format `{kind}` needs the library `{fault.name}`") from fault


def _one(files: Files, *endings: str) -> bytes:
    found = [path for path in files if path.endswith(endings)]
    if len(found) != 1:
        text = f"{len(found)} files end in {' or '.join(endings)}: take the folder instead (native=False)"
        raise LoadError("model_ambiguous", text)
    data: bytes = files[found[0]].read()
    return data


def _safetensors(files: Files) -> dict[str, Any]:
    from safetensors.numpy import load as load_tensors  # noqa: PLC0415 - only for models of this format

    tensors: dict[str, Any] = {}
    for path in sorted(path for path in files if path.endswith(".safetensors")):
        found = load_tensors(files[path].read())
        if not tensors.keys().isdisjoint(found):
            raise LoadError("model_ambiguous", f"`{path}` holds a tensor that another file holds too")
        tensors |= found
    return tensors


def _lightgbm(files: Files) -> Any:
    import lightgbm  # noqa: PLC0415 - as above

    return lightgbm.Booster(model_str=_one(files, ".txt").decode())


def _xgboost(files: Files) -> Any:
    import xgboost  # noqa: PLC0415 - as above

    booster = xgboost.Booster()
    booster.load_model(bytearray(_one(files, ".ubj", ".json")))
    return booster


def _onnx(files: Files) -> Any:
    import onnxruntime  # noqa: PLC0415 - as above

    return onnxruntime.InferenceSession(_one(files, ".onnx"))


_LOADERS: Final[dict[str, Callable[[Files], Any]]] = {
    "lightgbm": _lightgbm,
    "onnx": _onnx,
    "safetensors": _safetensors,
    "xgboost": _xgboost,
}
