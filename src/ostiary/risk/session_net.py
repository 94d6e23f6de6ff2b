"""The small networks that judge a session beside the trees: what they are, and what they make of a row.

- Inputs are columns of the session's row, each told from its middle in its own width, in a scale that flattens outwards
  (inverse hyperbolic sine) and ends at 3; a column that is not told is 0, and where that is usual it says so besides.
- Two layers of hyperbolic tangents, and a straight way past each. The first units of the first layer see all columns,
  the others none that has a direction. No weight between a column with a direction and the answer points the
  other way, so the answer only moves its way: checked here, whoever trained them.
- Sums are in double precision in the order of the file, in C (``net.c``) as here, so both agree bit for bit.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError

MOST_COLUMNS: Final = 1_024
MOST_UNITS: Final = 256
MOST_NETS: Final = 8
LARGEST: Final = 3.0
_LARGEST_WEIGHT: Final = 1e6


class Net(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One network: its weights as little-endian single floats, in the order of ``SessionNets.shapes``."""

    weights: bytes


class SessionNets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``session_net.json`` says.

    Attributes:
        columns: names of the columns they see, those with a direction first.
        centre, width: of each column, in its own unit; the width of a falling column is negative.
        unsaid: places among ``columns`` whose absence is an input of its own.
        bound: units of the first layer that see columns with a direction.
        units, second: of the first and the second layer.
        nets: their margins are averaged.
    """

    columns: tuple[str, ...]
    centre: tuple[float, ...]
    width: tuple[float, ...]
    unsaid: tuple[int, ...]
    bound: int
    units: int
    second: int
    nets: tuple[Net, ...] = ()

    @property
    def inputs(self) -> int:
        """How many numbers the first layer sees."""
        return len(self.columns) + len(self.unsaid)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of the first layer's weights and biases, the second's, the answer's from both layers and inputs, its bias."""
        inputs, units, second = self.inputs, self.units, self.second
        return (inputs, units), (units,), (units, second), (second,), (second,), (units,), (inputs,), (1,)

    @property
    def size(self) -> int:
        """How many weights a network has."""
        return sum(math.prod(shape) for shape in self.shapes)

    def directed(self, directions: Mapping[str, int]) -> int:
        """Return how many of the columns have a direction."""
        return sum(directions.get(name, 0) != 0 for name in self.columns)


class PlainNets:
    """The networks in plain Python: the numbers that every other engine has to give."""

    def __init__(self, nets: SessionNets, names: Sequence[str]) -> None:
        """Take the networks and the names of the row's columns."""
        self._nets = nets
        self._places = [names.index(name) for name in nets.columns]
        self._parts = [_parted(nets, one) for one in nets.nets]

    def margin(self, row: Sequence[float]) -> float:
        """Return the log-odds of ``row``."""
        inputs = self._inputs(row)
        total = 0.0
        for parts in self._parts:
            total += _answer(parts, inputs)
        return total / len(self._parts)

    def margins(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Return the log-odds of each row."""
        return [self.margin(row) for row in rows]

    def _inputs(self, row: Sequence[float]) -> list[float]:
        nets = self._nets
        told = [row[place] for place in self._places]
        scales = zip(told, nets.centre, nets.width, strict=True)
        inputs = [_flat((value - centre) / width) for value, centre, width in scales]
        return inputs + [1.0 if math.isnan(told[place]) else 0.0 for place in nets.unsaid]


def parse_nets(data: bytes, directions: Mapping[str, int]) -> SessionNets:
    """Read ``session_net.json``.

    Args:
        data: the file.
        directions: by the names of the row's columns, 1 where risk may only rise with them, -1 fall, 0 either.

    Raises:
        FaultyInputError: ``model_malformed``: not of this shape, too large, or a direction does not hold.
    """
    try:
        nets = msgspec.json.decode(data, type=SessionNets)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise FaultyInputError("model_malformed", f"the session's networks are malformed: {fault}") from fault
    _check_shape(nets)
    if not set(nets.columns) <= set(directions):
        raise FaultyInputError("model_malformed", "the session's networks name unknown columns")
    _check_directions(nets, directions)
    return nets


def _check_shape(nets: SessionNets) -> None:
    columns = len(nets.columns)
    whole = (
        0 < columns <= MOST_COLUMNS
        and len(set(nets.columns)) == columns == len(nets.centre) == len(nets.width)
        and len(set(nets.unsaid)) == len(nets.unsaid) <= columns
        and all(0 <= place < columns for place in nets.unsaid)
        and all(0 < size <= MOST_UNITS for size in (nets.units, nets.second))
        and 0 <= nets.bound <= nets.units
        and 0 < len(nets.nets) <= MOST_NETS
    )
    if not whole or any(len(one.weights) != 4 * nets.size for one in nets.nets):
        raise FaultyInputError("model_malformed", "the session's networks have no, too many or other weights")
    numbers = [*nets.centre, *nets.width, *(weight for one in nets.nets for weight in _weights(one))]
    if not all(abs(number) <= _LARGEST_WEIGHT for number in numbers) or not all(nets.width):
        raise FaultyInputError("model_malformed", "the session's networks have a weight that is no number")


def _check_directions(nets: SessionNets, directions: Mapping[str, int]) -> None:
    """Refuse weights with which a column could move the answer the wrong way."""
    rising = nets.directed(directions)
    signs = [directions[name] for name in nets.columns]
    told = all(signs[:rising]) and all(width * sign >= 0 for width, sign in zip(nets.width, signs, strict=True))
    if not told or not all(_keeps_directions(_parted(nets, one), rising, nets.bound) for one in nets.nets):
        raise FaultyInputError("model_malformed", "the session's networks do not keep a column's direction")


def _keeps_directions(parts: "_Parts", rising: int, bound: int) -> bool:
    return (
        all(min(row[:bound], default=0.0) >= 0 and not any(row[bound:]) for row in parts.first[:rising])
        and all(min(row) >= 0 for row in parts.middle[:bound])
        and min(parts.last) >= 0
        and min((*parts.across[:bound], *parts.direct[:rising], 0.0)) >= 0
    )


class _Parts(msgspec.Struct, frozen=True):
    """The weights of one network: a row of ``first`` and ``middle`` for each number that comes in."""

    first: list[tuple[float, ...]]
    first_bias: tuple[float, ...]
    middle: list[tuple[float, ...]]
    middle_bias: tuple[float, ...]
    last: tuple[float, ...]
    across: tuple[float, ...]
    direct: tuple[float, ...]
    bias: float


def _weights(net: Net) -> tuple[float, ...]:
    return struct.unpack(f"<{len(net.weights) // 4}f", net.weights)


def _parted(nets: SessionNets, net: Net) -> _Parts:
    flat, at, found = _weights(net), 0, []
    for shape in nets.shapes:
        size = math.prod(shape)
        found.append(flat[at : at + size])
        at += size
    first, first_bias, middle, middle_bias, last, across, direct, bias = found
    return _Parts(
        _rows(first, nets.units), first_bias, _rows(middle, nets.second), middle_bias, last, across, direct, bias[0]
    )


def _rows(flat: tuple[float, ...], width: int) -> list[tuple[float, ...]]:
    return [flat[begin : begin + width] for begin in range(0, len(flat), width)]


def _flat(told: float) -> float:
    """Return one input: flatter outwards, no farther than ``LARGEST``, 0 of what is not told."""
    if math.isnan(told):
        return 0.0
    return max(-LARGEST, min(LARGEST, math.asinh(told)))


def _answer(parts: _Parts, inputs: Sequence[float]) -> float:
    first = [math.tanh(told) for told in _layer(parts.first_bias, parts.first, inputs)]
    middle = [math.tanh(told) for told in _layer(parts.middle_bias, parts.middle, first)]
    total = parts.bias
    for weights, told in ((parts.last, middle), (parts.across, first), (parts.direct, inputs)):
        for weight, value in zip(weights, told, strict=True):
            total += weight * value
    return total


def _layer(bias: Sequence[float], weights: Sequence[Sequence[float]], told: Sequence[float]) -> list[float]:
    """Return what each unit sums up, input after input."""
    sums = list(bias)
    for value, row in zip(told, weights, strict=True):
        sums = [total + value * weight for total, weight in zip(sums, row, strict=True)]
    return sums
