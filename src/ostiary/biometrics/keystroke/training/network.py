"""The encoder as a function of its weights: convolutions over keys, then their means, deviations and maxima.

    keys [n, 15, L] → 64 channels → residual → 128 channels, every other key → residual → statistics → ``SIZE`` numbers

- Weights are a plain mapping of names to tensors; nothing is pickled.
- The last channel of the input says where there is a key; what lies behind a window's end touches nothing.
- Weights of the class channels begin at zero: where a source has no classes they stay there, so that the model makes
  nothing of classes that it never saw.
"""

import io
import math
from collections.abc import Sequence
from typing import Any, Final

from ostiary.biometrics.keystroke.encoder import INPUT, OUTPUT
from ostiary.biometrics.keystroke.tensor import CLASS_CHANNEL, CLASSES, INPUTS, PIECE

SIZE: Final = 64
NARROW: Final = 64
WIDE: Final = 128
_STATISTICS: Final = 2 * NARROW + 3 * WIDE
_OPSET: Final = 17
_FAR: Final = 9.0
_DROPPED_INSIDE: Final = 0.2
_DROPPED_TOLD: Final = 0.3

Weights = dict[str, Any]


def made() -> Weights:
    """Return weights drawn from torch's generator."""
    weights: Weights = {}
    _add(weights, "stem", NARROW, INPUTS, 5)
    weights["stem.weight"][:, CLASS_CHANNEL : CLASS_CHANNEL + CLASSES] = 0.0
    for name, inward, outward in (
        ("near.first", NARROW, NARROW),
        ("near.second", NARROW, NARROW),
        ("down", NARROW, WIDE),
        ("far.first", WIDE, WIDE),
        ("far.second", WIDE, WIDE),
    ):
        _add(weights, name, outward, inward, 3)
    _add_norm(weights, "statistics", _STATISTICS)
    _add(weights, "out", SIZE, _STATISTICS, 0)
    return weights


def learning(weights: Weights) -> tuple[list[str], list[str]]:
    """Return the names of what learns and decays, and of what learns without decay."""
    kept = {name for name in weights if name.endswith((".mean", ".variance")) or name in {"out.scale", "out.shift"}}
    decays = [name for name in weights if name.endswith(".weight")]
    return decays, [name for name in weights if name not in kept and name not in decays]


def embedded(weights: Weights, groups: Sequence[Any], *, learns: bool = False) -> Any:
    """Return ``[n, SIZE]`` of groups of pieces ``[…, INPUTS, L]``, one group after the other."""
    import torch  # noqa: PLC0415 - the extra `train`

    told = torch.cat([_told(weights, keys, learns=learns) for keys in groups])
    told = _normal(weights, "statistics", told, learns=learns)
    told = torch.nn.functional.dropout(told, _DROPPED_TOLD, training=learns)
    return _normal(weights, "out", torch.nn.functional.linear(told, weights["out.weight"]), learns=learns)


def _told(weights: Weights, keys: Any, *, learns: bool) -> Any:
    import torch  # noqa: PLC0415 - the extra `train`

    mask = keys[:, -1:, :]
    half = mask[:, :, ::2]
    near = _convolved(weights, "stem", keys, learns=learns).relu() * mask
    near = _residual(weights, "near", near, mask, learns=learns)
    far = _convolved(weights, "down", near, stride=2, learns=learns).relu() * half
    far = _residual(weights, "far", far, half, learns=learns)
    most = (far - (1.0 - half) * _FAR).amax(2)
    return torch.cat([*_statistics(near, mask), *_statistics(far, half), most], 1)


def graph(weights: Weights) -> bytes:
    """Return the network in ONNX, with any number of pieces at once."""
    import torch  # noqa: PLC0415 - the extra `train`

    example = torch.zeros(2, INPUTS, PIECE)
    example[:, -1] = 1.0
    with torch.no_grad():
        traced = torch.jit.trace(lambda keys: embedded(weights, [keys]), example, check_trace=False)
    opened = io.BytesIO()
    torch.onnx.export(
        traced,
        (example,),
        opened,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_axes={INPUT: {0: "pieces"}, OUTPUT: {0: "pieces"}},
        opset_version=_OPSET,
        dynamo=False,
    )
    return opened.getvalue()


def _add(weights: Weights, name: str, outward: int, inward: int, width: int) -> None:
    import torch  # noqa: PLC0415 - the extra `train`

    shape = (outward, inward, width) if width else (outward, inward)
    weights[f"{name}.weight"] = torch.randn(shape) * math.sqrt(1.0 / (3.0 * inward * max(1, width)))
    _add_norm(weights, name, outward)


def _add_norm(weights: Weights, name: str, size: int) -> None:
    import torch  # noqa: PLC0415 - the extra `train`

    for part, value in (("scale", 1.0), ("shift", 0.0), ("mean", 0.0), ("variance", 1.0)):
        weights[f"{name}.{part}"] = torch.full((size,), value)


def _convolved(weights: Weights, name: str, given: Any, *, stride: int = 1, learns: bool) -> Any:
    from torch.nn import functional  # noqa: PLC0415 - the extra `train`

    kernel = weights[f"{name}.weight"]
    found = functional.conv1d(given, kernel, stride=stride, padding=kernel.shape[2] // 2)
    return _normal(weights, name, found, learns=learns)


def _residual(weights: Weights, name: str, given: Any, mask: Any, *, learns: bool) -> Any:
    from torch.nn import functional  # noqa: PLC0415 - the extra `train`

    inner = _convolved(weights, f"{name}.first", given, learns=learns).relu() * mask
    inner = functional.dropout(inner, _DROPPED_INSIDE, training=learns)
    return (given + _convolved(weights, f"{name}.second", inner, learns=learns)).relu() * mask


def _normal(weights: Weights, name: str, given: Any, *, learns: bool) -> Any:
    from torch.nn import functional  # noqa: PLC0415 - the extra `train`

    mean, variance, scale, shift = (weights[f"{name}.{part}"] for part in ("mean", "variance", "scale", "shift"))
    return functional.batch_norm(given, mean, variance, scale, shift, training=learns, momentum=0.1)


def _statistics(given: Any, mask: Any) -> tuple[Any, Any]:
    """Return mean and deviation over the keys."""
    count = mask.sum(2).clamp(min=1.0)
    mean = (given * mask).sum(2) / count
    varies = ((given - mean[:, :, None]) ** 2 * mask).sum(2) / count
    return mean, (varies + 1e-4).sqrt()
