"""Fine-tuning of the small encoder on two cores: short pieces, batches by length, a few layers, one pass or two.

- One network serves both channels: a piece has the logit of its channel, and only that one is taught by it.
- The same pieces, settings and seed give the same order and the same batches; the sums inside depend on the machine.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.inspection.training import bert
from ostiary.inspection.training.extras import need

Floats = npt.NDArray[np.float32]
Progress = Callable[[str], None]

USER: Final = 0
DATA: Final = 1


class Piece(msgspec.Struct, frozen=True):
    """One text to learn from: ``head`` is 0 of the user channel and 1 of the data channel."""

    text: str
    label: int
    head: int
    source: str = ""
    weight: float = 1.0


class EncoderSettings(msgspec.Struct, frozen=True):
    """How the encoder is fitted.

    Attributes:
        first: layers from here on learn.
        passes: over all pieces.
        rate, head_rate: of learning.
        tokens: in a batch, at most.
        length: of a piece in tokens, at most.
        smoothing, seed: as named.
    """

    first: int = bert.FROZEN
    passes: int = 1
    rate: float = 1e-4
    head_rate: float = 2e-3
    tokens: int = 2048
    length: int = 128
    smoothing: float = 0.005
    seed: int = 7


def tokens_of(tokenizer: Any, texts: Sequence[str], length: int) -> list[list[int]]:
    """Return the word pieces of every text, cut to ``length``."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(length)
    return [encoded.ids for encoded in tokenizer.encode_batch(list(texts))]


def fit(
    pieces: Sequence[Piece], weights: bert.Weights, tokenizer: Any, settings: EncoderSettings, progress: Progress
) -> bert.Weights:
    """Return the weights after learning from ``pieces``."""
    torch = need("torch")
    torch.manual_seed(settings.seed)
    rows = tokens_of(tokenizer, [piece.text for piece in pieces], settings.length)
    fitted = {name: value.clone() for name, value in weights.items()}
    names = bert.learning(fitted, settings.first)
    for name in names:
        fitted[name].requires_grad_()
    batches = [
        batch for turn in range(settings.passes) for batch in _batches(rows, settings.tokens, settings.seed + turn)
    ]
    optimiser = _optimiser(fitted, names, settings)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _slope(step, len(batches)))
    began, mean = time.perf_counter(), 0.0
    for step, batch in enumerate(batches):
        loss = _loss(fitted, [rows[at] for at in batch], [pieces[at] for at in batch], settings)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([fitted[name] for name in names], 1.0)
        optimiser.step()
        schedule.step()
        mean = loss.item() if step == 0 else 0.98 * mean + 0.02 * loss.item()
        if step % 50 == 0:
            progress(f"encoder {step}/{len(batches)} loss {mean:.4f} {time.perf_counter() - began:.0f} s")
    return {name: value.detach() for name, value in fitted.items()}


def _loss(weights: bert.Weights, rows: list[list[int]], pieces: list[Piece], settings: EncoderSettings) -> Any:
    torch = need("torch")
    ids, mask = padded(rows)
    with torch.autocast("cpu", torch.bfloat16):  # entered anew each step: it keeps copies of weights while it is open
        answers = bert.logits(weights, ids, mask, frozen=settings.first).float()
    picked = answers[torch.arange(len(pieces)), torch.tensor([piece.head for piece in pieces])]
    truth = torch.tensor([float(piece.label) for piece in pieces])
    truth = truth * (1 - 2 * settings.smoothing) + settings.smoothing
    each = torch.nn.functional.binary_cross_entropy_with_logits(picked, truth, reduction="none")
    share = torch.tensor([piece.weight for piece in pieces])
    return (each * share).sum() / share.sum()


def padded(rows: Sequence[Sequence[int]]) -> tuple[Any, Any]:
    """Return ids and mask of the rows, padded to the longest of them."""
    torch = need("torch")
    most = max(len(row) for row in rows)
    ids = torch.zeros(len(rows), most, dtype=torch.long)
    mask = torch.zeros(len(rows), most, dtype=torch.long)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = torch.tensor(row)
        mask[at, : len(row)] = 1
    return ids, mask


def _batches(rows: Sequence[Sequence[int]], tokens: int, seed: int) -> list[list[int]]:
    """Return batches of near lengths in a shuffled order; ``tokens`` bounds rows times length."""
    rng = np.random.default_rng(seed)
    lengths = np.array([len(row) for row in rows]) + rng.uniform(0, 4, len(rows))
    batches: list[list[int]] = []
    batch: list[int] = []
    for at in np.argsort(lengths):
        if batch and (len(batch) + 1) * len(rows[at]) > tokens:
            batches.append(batch)
            batch = []
        batch.append(int(at))
    batches.append(batch)
    return [batches[at] for at in rng.permutation(len(batches))]


def _optimiser(weights: bert.Weights, names: Sequence[str], settings: EncoderSettings) -> Any:
    body = [name for name in names if not name.startswith("head.")]
    decays, plain = bert.halves(body)
    head = [weights[name] for name in names if name.startswith("head.")]
    groups = [
        {"params": [weights[name] for name in decays], "lr": settings.rate, "weight_decay": 0.01},
        {"params": [weights[name] for name in plain], "lr": settings.rate, "weight_decay": 0.0},
        {"params": head, "lr": settings.head_rate, "weight_decay": 0.0},
    ]
    return need("torch").optim.AdamW(groups)


def _slope(step: int, steps: int, warm: float = 0.06) -> float:
    """Return the share of the rate at ``step``: up for the first steps, then down to a tenth."""
    rising = max(1, int(steps * warm))
    return (step + 1) / rising if step < rising else 0.1 + 0.9 * (steps - step) / max(1, steps - rising)


class Told(msgspec.Struct, frozen=True):
    """What an encoder tells of texts: log-odds of one channel, and the place of each (``learned.likeness``)."""

    odds: Floats
    places: Floats


def _nothing(rows: int) -> Told:
    return Told(np.zeros(rows, np.float32), np.zeros((rows, bert.WIDTH), np.float32))


def told(weights: bert.Weights, tokenizer: Any, texts: Sequence[str], head: int, length: int = 128) -> Told:
    """Return what the weights tell of every text for one channel."""
    torch = need("torch")
    rows = tokens_of(tokenizer, texts, length)
    found = _nothing(len(rows))
    order = np.argsort([len(row) for row in rows])
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(order), 64):
            part = order[start : start + 64]
            logits, places = bert.logits_and_places(weights, *padded([rows[at] for at in part]), frozen=bert.FROZEN)
            found.odds[part], found.places[part] = logits[:, head].float().numpy(), places.float().numpy()
    return found


def onnx_told(session: Any, tokenizer: Any, texts: Sequence[str], head: int, length: int) -> Told:
    """Return the same from an ONNX session."""
    rows = tokens_of(tokenizer, texts, length)
    found = _nothing(len(rows))
    order = np.argsort([len(row) for row in rows], kind="stable")
    for start in range(0, len(order), 32):
        part = order[start : start + 32]
        most = max(len(rows[at]) for at in part)
        ids = np.zeros((len(part), most), np.int64)
        for place, at in enumerate(part):
            ids[place, : len(rows[at])] = rows[at]
        mask = (np.arange(most) < np.array([len(rows[at]) for at in part])[:, None]).astype(np.int64)
        logits, places = session.run(None, {"input_ids": ids, "attention_mask": mask})
        found.odds[part], found.places[part] = logits[:, head], places
    return found
