"""The small encoder, asked only where the linear model does not know: int8 ONNX on the processor.

- Nothing is loaded before the first question; then session and tokenizer are made of bytes whose digests were right.
- Texts are read in order of length, so that a batch has little padding. An answer depends on the text and the length of
  its batch's longest only through rounding; equal texts are asked once.
- A graph may have a second output, the places of the texts (``likeness``): they are kept and remembered with the
  answers, in rows behind them.
- It may remember what it was asked before; not where several tenants ask, who could tell by the time it takes.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ostiary.inspection.learned.files import LearnedFiles, unavailable
from ostiary.inspection.learned.thresholds import EncoderFiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BATCH: Final = 16
_FATAL: Final = 4
_STEP: Final = 16  # lengths of batches, so that the session meets few shapes


class Encoder:
    """The encoder over verified files; safe for several threads."""

    def __init__(self, files: LearnedFiles, wanted: EncoderFiles, threads: int, remembered: int) -> None:
        """Keep where it lies; load nothing yet."""
        self._files, self._wanted, self._threads, self._remembered = files, wanted, threads, remembered
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any, frozenset[str]] | None = None
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._columns = 0

    def scores(self, texts: Sequence[str], column: int) -> list[float]:
        """Return the log-odds of each text in one output column.

        Raises:
            UnavailableError: ``detector_unavailable``.
        """
        return [float(row[column]) for row in self._rows(texts)]

    def placed(self, texts: Sequence[str], column: int, width: int) -> tuple[list[float], "NDArray[np.float32]"]:
        """Return the same, and the place of each text, a row of ``width`` numbers each.

        Raises:
            UnavailableError: ``detector_unavailable``; also where the graph tells no places of that width.
        """
        rows = self._rows(texts)
        places = np.stack([row[self._columns :] for row in rows])
        if places.shape[1] != width:
            raise unavailable(f"the encoder tells {places.shape[1]} numbers of a place, {width} are needed")
        return [float(row[column]) for row in rows], places

    def _rows(self, texts: Sequence[str]) -> "list[NDArray[np.float32]]":
        with self._lock:
            found = {text: self._known[text] for text in texts if text in self._known}
        # The numbers of a text depend a little on those beside it: an order of their own, never that of a set.
        missing = sorted({text for text in texts if text not in found}, key=lambda text: (len(text), text))
        for begin in range(0, len(missing), _BATCH):
            batch = missing[begin : begin + _BATCH]
            found.update(zip(batch, self._ask(batch), strict=True))
        with self._lock:
            for text in missing:
                self._known[text] = found[text]
            while len(self._known) > self._remembered:
                self._known.popitem(last=False)
        return [found[text] for text in texts]

    def _ask(self, texts: list[str]) -> "NDArray[np.float32]":
        session, tokenizer, names = self._load()
        encoded = [tokenizer.encode(text).ids for text in texts]
        length = -(-max(map(len, encoded)) // _STEP) * _STEP
        ids = np.zeros((len(texts), length), np.int64)
        mask = np.zeros((len(texts), length), np.int64)
        for row, tokens in enumerate(encoded):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        try:
            told: list[NDArray[np.float32]] = session.run(None, {name: inputs[name] for name in names})[:2]
        except Exception as fault:  # types of its own, without a common root
            raise unavailable(f"the encoder does not answer: {str(fault)[:200]}") from fault
        if any(one.ndim != 2 or len(one) != len(texts) or not np.isfinite(one).all() for one in told):  # noqa: PLR2004 - texts by columns
            raise unavailable("the encoder does not answer with numbers, a row for each text")
        self._columns = told[0].shape[1]
        return told[0] if len(told) == 1 else np.concatenate(told, axis=1)

    def _load(self) -> tuple[Any, Any, frozenset[str]]:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self._files, self._wanted, self._threads)
            return self._loaded


def _load(files: LearnedFiles, wanted: EncoderFiles, threads: int) -> tuple[Any, Any, frozenset[str]]:
    try:
        import onnxruntime  # noqa: PLC0415 - an extra, and slow to load
        from tokenizers import Tokenizer  # noqa: PLC0415 - the same
    except ImportError as fault:
        raise unavailable(f"`{fault.name}` is not installed: run `pip install 'ostiary[gateway]'`") from fault
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _FATAL
    words, graph = files.read(wanted.tokenizer), files.read(wanted.file)
    try:
        tokenizer = Tokenizer.from_str(words.decode("utf-8"))
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as fault:  # both libraries raise types of their own, without a common root
        raise unavailable(f"the encoder does not load: {str(fault)[:200]}") from fault
    tokenizer.enable_truncation(wanted.max_tokens)
    tokenizer.no_padding()
    names = frozenset(one.name for one in session.get_inputs())
    if not {"input_ids"} <= names <= {"input_ids", "attention_mask", "token_type_ids"}:
        raise unavailable("the encoder wants other inputs than tokens")
    return session, tokenizer, names
