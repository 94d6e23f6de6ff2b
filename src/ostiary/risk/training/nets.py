"""Grows the small networks that judge sessions beside the trees: NumPy alone, the same bits for the same rows and seed.

- A column with a direction only ever pulls its way: every weight on its way to the answer is kept from changing sign
  after each step, and columns without a direction say how strongly (``session_net.py``).
- Gradients are worked out by hand, since there are three layers and scikit-learn's networks know no directions;
  each step is Adam's (Kingma and Ba 2015), ever smaller ones to nothing at the end.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.risk.session_net import LARGEST, Net, SessionNets
from ostiary.risk.training.fit import FitSettings, Floats, Ints, Rows, left_out_of, without

Singles = npt.NDArray[np.float32]

SHARE: Final = 0.5
LEAST_ROWS: Final = 5_000
"""Fewer rows teach the trees alone."""

_MIDDLE: Final = (0.05, 0.5, 0.95)
_NORMAL_WIDTH: Final = 3.3  # how many deviations lie between the outer two of a normal distribution
_NARROWEST: Final = 1e-6
_UNSAID: Final = 0.002
_FIRST_DECAY: Final = 0.9
_SECOND_DECAY: Final = 0.999
_NO_ZERO: Final = 1e-8
_LAST_PACE: Final = 1e-5


class NetFit(msgspec.Struct, frozen=True):
    """Parameters of the networks (ADR-0088).

    Attributes:
        nets: how many are grown, of other seeds; their margins are averaged.
        bound, free, second: units of the first layer that see every column, those that see only columns without a
            direction, and units of the second layer.
        epochs: how often each row is seen, fewer times when that were more than ``most_steps``.
        batch: rows of a step.
        pace: of the first step.
        ridge: L2 penalty on weights, a batch.
    """

    nets: int = 3
    bound: int = 32
    free: int = 16
    second: int = 16
    epochs: int = 24
    most_steps: int = 20_000
    batch: int = 512
    pace: float = 1e-3
    ridge: float = 0.03


def enough(label: Ints) -> bool:
    """Return whether rows of these labels teach networks: many, and of both classes."""
    return len(label) >= LEAST_ROWS and 0 < int(label.sum()) < len(label)


def nets_of(
    rows: Rows, label: Ints, names: Sequence[str], monotone: Sequence[int], settings: FitSettings, seed: int
) -> SessionNets | None:
    """Return the networks of ``rows``, without the columns that ``settings`` leave out."""
    return grow_nets(without(rows, left_out_of(names, settings)), label, names, monotone, seed, NetFit())


def grow_nets(
    rows: Rows, label: Ints, names: Sequence[str], monotone: Sequence[int], seed: int, settings: NetFit
) -> SessionNets | None:
    """Return the networks of ``rows``, none if nothing is told or varies; a column of which that holds is not asked."""
    centre, width = _spread(rows)
    asked = [place for place in range(len(names)) if width[place] > 0]
    if not asked:
        return None
    asked.sort(key=lambda place: monotone[place] == 0)  # those with a direction come first
    sign = np.where(np.array(monotone, dtype=np.int64)[asked] < 0, -1.0, 1.0)
    told = np.isnan(rows[:, asked]).mean(axis=0)
    blank = SessionNets(
        columns=tuple(names[place] for place in asked),
        centre=tuple(_short(centre[asked])),
        width=tuple(_short(width[asked] * sign)),
        unsaid=tuple(np.flatnonzero(told > _UNSAID).tolist()),
        bound=settings.bound,
        units=settings.bound + settings.free,
        second=settings.second,
    )
    inputs = scaled(blank, rows[:, asked])
    rising = sum(monotone[place] != 0 for place in asked)
    found = [_grown(inputs, label, rising, settings, seed + number) for number in range(settings.nets)]
    return msgspec.structs.replace(blank, nets=tuple(found))


def scaled(nets: SessionNets, rows: Rows) -> Singles:
    """Return the inputs of ``rows``, whose columns are those of ``nets``."""
    with np.errstate(over="ignore"):
        told = np.arcsinh((rows.astype(np.float64) - nets.centre) / nets.width)
    unsaid = np.isnan(told)
    inputs = np.where(unsaid, 0.0, np.clip(told, -LARGEST, LARGEST))
    return np.hstack([inputs, unsaid[:, nets.unsaid]]).astype(np.float32)


def net_margins(nets: SessionNets, names: Sequence[str], rows: Rows) -> Floats:
    """Return the margins of many rows at once: what one row's are, but for the last bits."""
    inputs = scaled(nets, rows[:, [names.index(name) for name in nets.columns]]).astype(np.float64)
    return np.asarray(sum(_told(_parts(nets, one), inputs)[2] for one in nets.nets) / len(nets.nets))


def _spread(rows: Rows) -> tuple[Floats, Floats]:
    """Return the middle and the width of each column, in its own unit; 0 of one that says nothing."""
    told = ~np.isnan(rows).all(axis=0)
    centre, width = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    if not told.any():
        return centre, width
    low, middle, high = np.nanquantile(rows[:, told].astype(np.float64), _MIDDLE, axis=0)
    apart, deviation = (high - low) / _NORMAL_WIDTH, np.nanstd(rows[:, told], axis=0, dtype=np.float64)
    centre[told] = middle
    width[told] = np.where(apart > _NARROWEST, apart, np.where(deviation > _NARROWEST, deviation, 0.0))
    return centre, width


def _short(numbers: Floats) -> list[float]:
    return [float(number) for number in numbers.astype(np.float32)]


class _Parts(msgspec.Struct):
    """Weights of one network, named as in ``session_net.Net``."""

    first: Any
    first_bias: Any
    middle: Any
    middle_bias: Any
    last: Any
    across: Any
    direct: Any
    bias: Any

    def each(self) -> Iterator[Any]:
        """Return all of them, in the order of the file."""
        return (getattr(self, name) for name in self.__struct_fields__)


def _parts(nets: SessionNets, net: Net) -> _Parts:
    flat = np.frombuffer(net.weights, dtype="<f4").astype(np.float64)
    shapes, found, at = nets.shapes, [], 0
    for shape in shapes:
        size = int(np.prod(shape))
        found.append(flat[at : at + size].reshape(shape))
        at += size
    return _Parts(*found)


def _told(parts: _Parts, inputs: Any) -> tuple[Any, Any, Any]:
    """Return both layers' answers and the margin."""
    first = np.tanh(inputs @ parts.first + parts.first_bias)
    middle = np.tanh(first @ parts.middle + parts.middle_bias)
    return first, middle, middle @ parts.last + first @ parts.across + inputs @ parts.direct + parts.bias


def _drawn(inputs: int, rising: int, settings: NetFit, draw: np.random.Generator) -> _Parts:
    units, bound, second = settings.bound + settings.free, settings.bound, settings.second

    def normal(*shape: int, scale: float = 1.0) -> Singles:
        return (draw.standard_normal(shape) * scale).astype(np.float32)

    parts = _Parts(
        first=normal(inputs, units, scale=inputs**-0.5),
        first_bias=np.concatenate([normal(bound, scale=0.5), np.zeros(settings.free, dtype=np.float32)]),
        middle=normal(units, second, scale=0.5 * units**-0.5),
        middle_bias=normal(second, scale=0.3),
        last=normal(second, scale=second**-0.5),
        across=normal(units, scale=units**-0.5),
        direct=np.zeros(inputs, dtype=np.float32),
        bias=np.zeros(1, dtype=np.float32),
    )
    for part in (parts.first[:rising, :bound], parts.middle[:bound], parts.last):
        np.abs(part, out=part)
    parts.across[:bound] = 0.0
    _held(parts, rising, bound)
    return parts


def _held(parts: _Parts, rising: int, bound: int) -> None:
    """Put back every weight that would turn a direction."""
    parts.first[:rising, bound:] = 0.0
    for part in (parts.first[:rising, :bound], parts.middle[:bound], parts.last, parts.across[:bound]):
        np.maximum(part, 0.0, out=part)
    np.maximum(parts.direct[:rising], 0.0, out=parts.direct[:rising])


def _grown(inputs: Singles, label: Ints, rising: int, settings: NetFit, seed: int) -> Net:
    draw = np.random.default_rng(seed)
    parts = _drawn(inputs.shape[1], rising, settings, draw)
    descent = _Descent(parts)
    wanted = label.astype(np.float32)
    steps = min(settings.epochs * max(1, len(inputs) // settings.batch), settings.most_steps)
    for step, batch in enumerate(_batches(len(inputs), settings.batch, steps, draw)):
        slopes = _slopes(parts, inputs[batch], wanted[batch], settings.ridge / settings.batch)
        descent.step(slopes, settings.pace * (1 - step / steps) + _LAST_PACE)
        _held(parts, rising, settings.bound)
    return Net(np.concatenate([part.ravel() for part in parts.each()]).astype("<f4").tobytes())


class _Descent:
    """Adam: each weight follows the mean of its slopes, in steps of about one pace whatever their size."""

    def __init__(self, parts: _Parts) -> None:
        self._parts = list(parts.each())
        self._means = [np.zeros_like(part) for part in self._parts]
        self._squares = [np.zeros_like(part) for part in self._parts]
        self._steps = 0

    def step(self, slopes: _Parts, pace: float) -> None:
        """Change the weights by one step."""
        self._steps += 1
        young = np.sqrt(1 - _SECOND_DECAY**self._steps) / (1 - _FIRST_DECAY**self._steps)
        for place, slope in enumerate(slopes.each()):
            mean, square = self._means[place], self._squares[place]
            np.add(_FIRST_DECAY * mean, (1 - _FIRST_DECAY) * slope, out=mean)
            np.add(_SECOND_DECAY * square, (1 - _SECOND_DECAY) * slope * slope, out=square)
            np.subtract(self._parts[place], pace * young * mean / (np.sqrt(square) + _NO_ZERO), out=self._parts[place])


def _batches(rows: int, batch: int, steps: int, draw: np.random.Generator) -> Iterator[Ints]:
    """Return the rows of each step: all in one order, then all in another."""
    done = 0
    while done < steps:
        order = draw.permutation(rows)
        for begin in range(0, max(1, rows - batch + 1), batch):
            if done < steps:
                yield order[begin : begin + batch]
                done += 1


def _slopes(parts: _Parts, inputs: Singles, wanted: Singles, ridge: float) -> _Parts:
    """Return how the mean logistic loss and the penalty rise with each weight."""
    first, middle, margin = _told(parts, inputs)
    error = (1 / (1 + np.exp(-np.clip(margin, -30.0, 30.0))) - wanted) / len(wanted)
    of_middle = np.outer(error, parts.last) * (1 - middle * middle)
    of_first = (of_middle @ parts.middle.T + np.outer(error, parts.across)) * (1 - first * first)
    return _Parts(
        first=inputs.T @ of_first + ridge * parts.first,
        first_bias=of_first.sum(axis=0),
        middle=first.T @ of_middle + ridge * parts.middle,
        middle_bias=of_middle.sum(axis=0),
        last=middle.T @ error + ridge * parts.last,
        across=first.T @ error + ridge * parts.across,
        direct=inputs.T @ error + ridge * parts.direct,
        bias=error.sum(keepdims=True),
    )
