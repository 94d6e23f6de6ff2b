"""The encoder of blocks: a small convolution over events, taught by cosine softmax with a margin; torch, one thread.

- Every step draws people evenly and a block at any place of their sessions: many more blocks than disjoint ones.
- Sizes and speeds are scaled a little, waits shaken by half a millisecond: a mouse's resolution is not a person.
"""

import io
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from ostiary.biometrics.pointer.blocks import BLOCK
from ostiary.biometrics.pointer.network import INPUT, OUTPUT
from ostiary.biometrics.pointer.tensor import CHANNELS, tensor
from ostiary.biometrics.pointer.training.people import Person
from ostiary.biometrics.window import Floats

SIZE: Final = 64
WIDTHS: Final = (48, 64, 96)
BATCH: Final = 128
STEPS: Final = 720
MOST_STEPS: Final = 4_000
_USUAL_PEOPLE: Final = 72
MARGIN: Final = 0.2
SCALE: Final = 20.0
RATE: Final = 3e-3
DECAY: Final = 1e-2
DROP: Final = 0.2
_SCALING: Final = 0.1
_SHAKE_MS: Final = 0.5
_SHORT_MS: Final = 2.0
_OPSET: Final = 17


def encoder(people: Sequence[Person], seed: int, effort: float, threads: int, told: Callable[[float], None]) -> bytes:
    """Return the trained encoder as ONNX.

    Raises:
        ModuleNotFoundError: without torch or onnx.
    """
    import torch  # noqa: PLC0415 - the extra `train`
    from torch.nn import functional  # noqa: PLC0415

    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    luck = np.random.default_rng(seed)
    network = _network(torch)
    proxies = torch.nn.Parameter(torch.randn(len(people), SIZE) * 0.1)
    steps = max(int(effort * min(STEPS * max(len(people) / _USUAL_PEOPLE, 1.0) ** 0.5, MOST_STEPS)), 2)
    optimizer = torch.optim.AdamW([*network.parameters(), proxies], lr=RATE, weight_decay=DECAY)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.2)
    network.train()
    for step in range(steps):
        chosen = luck.integers(0, len(people), BATCH)
        who = torch.from_numpy(chosen)
        blocks = shaken(np.stack([_block(people[at], luck) for at in chosen]), luck)
        placed = functional.normalize(network(torch.from_numpy(tensor(blocks))))
        cosine = placed @ functional.normalize(proxies).T - MARGIN * functional.one_hot(who, len(people))
        loss = functional.cross_entropy(SCALE * cosine, who)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call,unused-ignore]
        optimizer.step()
        rates.step()
        told((step + 1) / steps)
    return _exported(torch, network)


def _block(person: Person, luck: np.random.Generator) -> Floats:
    """Return a block from any place of a person's sessions, longer ones being likelier."""
    rooms = np.array([max(len(session) - BLOCK + 1, 1) for session in person.sessions])
    place = int(luck.integers(rooms.sum()))
    number = int(np.searchsorted(np.cumsum(rooms), place, side="right"))
    start = place - int(rooms[:number].sum())
    return np.resize(person.sessions[number][start : start + BLOCK], (BLOCK, 4))


def shaken(blocks: Floats, luck: np.random.Generator) -> Floats:
    """Return blocks as another mouse and another clock would have sent them."""
    blocks = blocks.copy()
    blocks[..., 1:3] *= np.exp(luck.normal(0, _SCALING, (len(blocks), 1, 1)))
    blocks[..., 0] *= np.exp(luck.normal(0, _SCALING / 2, (len(blocks), 1)))
    blocks[..., 0] += luck.uniform(-_SHAKE_MS, _SHAKE_MS, blocks.shape[:2]) * (blocks[..., 0] > _SHORT_MS)
    return blocks


def _network(torch: Any) -> Any:
    nn = torch.nn

    class Pointer(nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            first, second, third = WIDTHS
            layers: list[Any] = []
            for given, made, kernel, stride in (
                (CHANNELS, first, 5, 2),
                (first, first, 3, 1),
                (first, second, 5, 2),
                (second, third, 5, 1),
            ):
                layers += [nn.Conv1d(given, made, kernel, stride, kernel // 2), nn.BatchNorm1d(made), nn.ReLU()]
            self.layers = nn.Sequential(*layers)
            self.even, self.drop, self.out = nn.BatchNorm1d(3 * third), nn.Dropout(DROP), nn.Linear(3 * third, SIZE)

        def forward(self, block: Any) -> Any:
            seen = self.layers(block)
            mean = seen.mean(2)
            spread = ((seen - mean[:, :, None]) ** 2).mean(2).clamp_min(1e-6).sqrt()
            return self.out(self.drop(self.even(torch.cat([mean, spread, seen.amax(2)], 1))))

    return Pointer()


def _exported(torch: Any, network: Any) -> bytes:
    network.eval()
    out = io.BytesIO()
    example = torch.zeros(2, CHANNELS, BLOCK)
    axes = {INPUT: {0: "n"}, OUTPUT: {0: "n"}}
    torch.onnx.export(
        network,
        (example,),
        out,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_axes=axes,
        dynamo=False,
        opset_version=_OPSET,
    )
    return out.getvalue()
