"""A sentence encoder in ONNX, such as MiniLM: mean of the last layer over the words, scaled to length 1.

A folder holds ``model.onnx`` and ``tokenizer.json``; the digest of both is part of the embedder's name, so that an
index made with another model is refused and not searched wrongly. Nothing is downloaded.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from ostiary.errors import UnavailableError
from ostiary.keys import sha256_hex
from ostiary.rag.embedding import unit

if TYPE_CHECKING:
    from ostiary.rag.ports import Vectors

MAX_FILE: Final = 256 << 20
MAX_TOKENS: Final = 256
BATCH: Final = 32


class OnnxEmbedder:
    """Texts through an encoder."""

    def __init__(self, model: bytes, tokenizer: bytes) -> None:
        """Open both from their bytes: what was hashed is what runs."""
        import onnxruntime  # noqa: PLC0415 - the extra `gateway`
        from tokenizers import Tokenizer  # noqa: PLC0415

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._tokens: Any = Tokenizer.from_buffer(tokenizer)
        self._tokens.enable_truncation(MAX_TOKENS)
        self._tokens.enable_padding()
        self._wanted = {one.name for one in self._session.get_inputs()}
        self.name = "onnx-" + sha256_hex((sha256_hex(model) + sha256_hex(tokenizer)).encode())[:24]
        self.dimension = int(self.embed(["dimension"]).shape[1])

    @classmethod
    def open(cls, place: str) -> Self:
        """Return the encoder in a folder.

        Raises:
            UnavailableError: ``embedder_unavailable``.
        """
        try:
            return cls(_read(Path(place) / "model.onnx"), _read(Path(place) / "tokenizer.json"))
        except (OSError, ValueError, RuntimeError) as fault:
            raise UnavailableError("embedder_unavailable", f"`{place}` holds no encoder that can be used") from fault

    def embed(self, texts: Sequence[str]) -> "Vectors":
        """Return one vector of length 1 a text."""
        import numpy as np  # noqa: PLC0415

        parts = [self._some(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)]
        return unit(np.concatenate(parts)) if parts else np.zeros((0, self.dimension), np.float32)

    def _some(self, texts: Sequence[str]) -> "Vectors":
        import numpy as np  # noqa: PLC0415

        found = self._tokens.encode_batch(list(texts))
        ids = np.array([one.ids for one in found], np.int64)
        mask = np.array([one.attention_mask for one in found], np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        last = self._session.run(None, {name: value for name, value in given.items() if name in self._wanted})[0]
        weights = mask[..., None].astype(np.float32)
        mean: Vectors = (last * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
        return mean


def _read(path: Path) -> bytes:
    with path.open("rb") as opened:
        raw = opened.read(MAX_FILE + 1)
    if len(raw) > MAX_FILE:
        raise OSError(path.name)
    return raw
