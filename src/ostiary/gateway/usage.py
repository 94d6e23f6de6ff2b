"""What a request costs: tokens as the model's server tells them, an estimate where it tells none, a price in money.

The estimate is one token for each four bytes of UTF-8, rounded up, and four for each text: English comes out a little
high, other scripts higher. It is what is reserved before a question; the server's own count replaces it afterwards.

>>> tokens_of(["four", "quatre"])
11
>>> Price(input=2.5, output=10.0).units(1_000_000, 100_000)
350000
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

UNIT: Final = 100_000
"""Units of spend in one unit of the price's currency: a budget counts thousandths of a hundredth."""
_BYTES: Final = 4
_TEXT: Final = 4
_PER: Final = 1_000_000


class Price(msgspec.Struct, frozen=True):
    """What a million tokens cost, in whatever currency the budgets are in."""

    input: float = 0.0
    output: float = 0.0

    def units(self, tokens_in: int, tokens_out: int) -> int:
        """Return the cost in units of spend, rounded up."""
        cost = (self.input * tokens_in + self.output * tokens_out) * UNIT / _PER
        return int(cost) if cost == int(cost) else int(cost) + 1


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one request; ``told`` says whether the model's server counted them."""

    tokens_in: int = 0
    tokens_out: int = 0
    told: bool = False


def tokens_of(texts: Iterable[str]) -> int:
    """Return the estimate for some texts."""
    return sum(-(-len(text.encode("utf-8", "surrogatepass")) // _BYTES) + _TEXT for text in texts)


def usage_of(told: Mapping[str, Any], estimated_in: int, bytes_out: int) -> Usage:
    """Return what a model's server told, or the estimate."""
    if "prompt_tokens" in told:
        return Usage(told["prompt_tokens"], told.get("completion_tokens", 0), told=True)
    if "input_tokens" in told:
        return Usage(told["input_tokens"], told.get("output_tokens", 0), told=True)
    return Usage(estimated_in, -(-bytes_out // _BYTES), told=False)


def usage_document(face: str, usage: Usage) -> dict[str, int]:
    """Return a usage as the caller is told it."""
    total = {"total_tokens": usage.tokens_in + usage.tokens_out}
    if face == "responses":
        return {"input_tokens": usage.tokens_in, "output_tokens": usage.tokens_out, **total}
    return {"prompt_tokens": usage.tokens_in, "completion_tokens": usage.tokens_out, **total}
