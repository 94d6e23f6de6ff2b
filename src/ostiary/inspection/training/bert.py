"""The small encoder as a function of its weights: MiniLM-L6 with one logit a channel on the mean of its tokens.

- Weights are a plain mapping of names to tensors, so the same names serve the base in safetensors, the fit and the ONNX
  file; nothing is pickled.
- Only layers from ``first`` on learn: the word pieces and the layers below stay as the base has them, which keeps a fit
  within minutes on two cores and keeps languages that are rare in training where the base put them.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ostiary.inspection.training.extras import need

LAYERS: Final = 6
FROZEN: Final = 3
"""Layers that never learn: what comes out of them tells what a text speaks of, whatever was taught."""
HEADS: Final = 12
WIDTH: Final = 384
EPSILON: Final = 1e-12

Weights = dict[str, Any]


def base_weights(path: str) -> Weights:
    """Return the weights of the base, and two heads at zero."""
    torch = need("torch")
    weights: Weights = dict(need("safetensors.torch").load_file(path))
    weights.pop("embeddings.position_ids", None)
    weights["head.weight"] = torch.zeros(2, WIDTH)
    weights["head.bias"] = torch.zeros(2)
    return weights


def learning(weights: Mapping[str, Any], first: int) -> list[str]:
    """Return the names of the weights that learn, when layers from ``first`` on do."""
    layers = tuple(f"encoder.layer.{layer}." for layer in range(first, LAYERS))
    return [name for name in weights if name.startswith((*layers, "head."))]


def logits(weights: Mapping[str, Any], ids: Any, mask: Any, *, frozen: int = 0) -> Any:
    """Return the two logits (user, data) of every row of ``ids``; the first ``frozen`` layers keep no gradients."""
    return logits_and_places(weights, ids, mask, frozen=frozen)[0]


def logits_and_places(weights: Mapping[str, Any], ids: Any, mask: Any, *, frozen: int) -> tuple[Any, Any]:
    """Return the same, and the mean of every row's tokens after the first ``frozen`` layers."""
    torch = need("torch")
    functional = torch.nn.functional
    bias = (1.0 - mask.float())[:, None, None, :] * -1e4
    with torch.set_grad_enabled(frozen == 0 and torch.is_grad_enabled()):
        hidden = _embed(weights, ids, functional)
        for layer in range(frozen):
            hidden = _layer(weights, f"encoder.layer.{layer}.", hidden, bias, functional)
    places = _mean(hidden, mask)
    for layer in range(frozen, LAYERS):
        hidden = _layer(weights, f"encoder.layer.{layer}.", hidden, bias, functional)
    return functional.linear(_mean(hidden, mask), weights["head.weight"], weights["head.bias"]), places


def _mean(hidden: Any, mask: Any) -> Any:
    share = mask.float()[:, :, None]
    return (hidden * share).sum(1) / share.sum(1).clamp(min=1.0)


def _embed(weights: Mapping[str, Any], ids: Any, functional: Any) -> Any:
    words = weights["embeddings.word_embeddings.weight"][ids]
    places = weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
    kinds = weights["embeddings.token_type_embeddings.weight"][0]
    return _norm(weights, "embeddings.LayerNorm", words + places + kinds, functional)


def _layer(weights: Mapping[str, Any], at: str, hidden: Any, bias: Any, functional: Any) -> Any:
    rows, length, _ = hidden.shape
    parts = (
        _linear(weights, f"{at}attention.self.{part}", hidden, functional)
        .view(rows, length, HEADS, WIDTH // HEADS)
        .transpose(1, 2)
        for part in ("query", "key", "value")
    )
    seen = functional.scaled_dot_product_attention(*parts, attn_mask=bias)
    seen = seen.transpose(1, 2).reshape(rows, length, WIDTH)
    seen = _linear(weights, f"{at}attention.output.dense", seen, functional)
    hidden = _norm(weights, f"{at}attention.output.LayerNorm", hidden + seen, functional)
    wide = functional.gelu(_linear(weights, f"{at}intermediate.dense", hidden, functional))
    wide = _linear(weights, f"{at}output.dense", wide, functional)
    return _norm(weights, f"{at}output.LayerNorm", hidden + wide, functional)


def _linear(weights: Mapping[str, Any], at: str, hidden: Any, functional: Any) -> Any:
    return functional.linear(hidden, weights[f"{at}.weight"], weights[f"{at}.bias"])


def _norm(weights: Mapping[str, Any], at: str, hidden: Any, functional: Any) -> Any:
    return functional.layer_norm(hidden, (WIDTH,), weights[f"{at}.weight"], weights[f"{at}.bias"], EPSILON)


def halves(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the names whose weights decay, and those (norms, biases) whose weights do not."""
    listed = list(names)
    plain = [name for name in listed if name.endswith("bias") or "LayerNorm" in name]
    return [name for name in listed if name not in plain], plain
