"""Fitting the encoder: everybody in training is a class, told by a cosine with a margin (additive margin softmax).

- The margin grows from nothing over the first part, else the classes never come apart.
- AdamW, one cycle of the learning rate, gradients cut at a norm. The order of everything is drawn from the seed.
"""

from typing import Any, Final

import msgspec
import numpy as np

from ostiary.biometrics.keystroke.training import network
from ostiary.biometrics.keystroke.training.bank import Bank
from ostiary.biometrics.training import Progress


class FitSettings(msgspec.Struct, frozen=True):
    """How the encoder is fitted.

    Attributes:
        seed: of weights, order and samples.
        steps: batches.
        batch: samples a batch.
        rate: the highest learning rate.
        decay: of weights.
        margin: of the cosine, when it has grown.
        scale: of the cosine.
        threads: of linear algebra.
    """

    seed: int
    steps: int
    batch: int = 256
    rate: float = 8e-3
    decay: float = 1e-3
    margin: float = 0.25
    scale: float = 20.0
    threads: int = 1


_GROWN: Final = 0.3
_WARM: Final = 0.2
_LONGEST_STEP: Final = 5.0
_TOLD: Final = 50


def fitted(bank: Bank, settings: FitSettings, progress: Progress) -> network.Weights:
    """Return the weights that ``bank`` teaches."""
    import torch  # noqa: PLC0415 - the extra `train`

    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    luck = np.random.default_rng(settings.seed)
    weights = network.made()
    people = torch.randn(len(bank.of), network.SIZE) * 0.1
    decays, plain = ([weights[name] for name in names] for names in network.learning(weights))
    learns = [*decays, *plain, people]
    for tensor in learns:
        tensor.requires_grad_()
    groups = [{"params": decays, "weight_decay": settings.decay}, {"params": [*plain, people], "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=settings.rate)
    slope = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.rate, total_steps=settings.steps + 1, pct_start=_WARM
    )
    order = _order(len(bank.lengths), settings, luck)
    for step in range(settings.steps):
        chosen = order[step * settings.batch : (step + 1) * settings.batch]
        samples, truth = bank.batch(chosen, luck)
        given = [torch.from_numpy(group) for group in samples]
        margin = settings.margin * min(1.0, step / (_GROWN * settings.steps))
        loss = _loss(network.embedded(weights, given, learns=True), people, truth, margin, settings.scale)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learns, _LONGEST_STEP)
        optimiser.step()
        slope.step()
        if step % _TOLD == 0:
            progress("encoder", step / settings.steps)
    return {name: tensor.detach() for name, tensor in weights.items()}


def _order(count: int, settings: FitSettings, luck: np.random.Generator) -> Any:
    """Return pieces in the order of their batches: every one once, in some order, then again in another."""
    turns = -(-settings.steps * settings.batch // count)
    return np.concatenate([luck.permutation(count) for _ in range(turns)])


def _loss(embedded: Any, people: Any, truth: Any, margin: float, scale: float) -> Any:
    import torch  # noqa: PLC0415 - the extra `train`
    from torch.nn import functional  # noqa: PLC0415

    cosine = functional.normalize(embedded) @ functional.normalize(people).T
    label = torch.from_numpy(truth)
    taken = torch.zeros_like(cosine).scatter_(1, label[:, None], margin)
    return functional.cross_entropy(scale * (cosine - taken), label)
