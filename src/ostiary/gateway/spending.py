"""Budgets and pace of language models, of each subject and of each tenant: requests, tokens, money.

- What a request could cost at most is taken before it goes to a model, all budgets or none; what it did not cost goes
  back when it has ended (``defence.budgets``: exact under threads and over restarts).
- Nothing goes back for a request whose end nobody saw: a crash costs a budget, and grants nothing.
- The output that is paid for is the output that is asked for: the model's server is told no more than was taken.
"""

from typing import Final, Literal

import msgspec

from ostiary.defence.budgets import Budget, Budgets, Want, key_of
from ostiary.defence.rates import RateAsk, RateStore
from ostiary.errors import RefusedError
from ostiary.gateway.usage import Price, Usage

RATE: Final = "rate_limit_exceeded"
QUOTA: Final = "insufficient_quota"
_S: Final = 1_000_000_000
Of = Literal["requests", "tokens", "spend"]


class Allowance(msgspec.Struct, frozen=True):
    """Budgets of one subject, or of a tenant; ``None`` sets no bound."""

    requests: Budget | None = None
    tokens: Budget | None = None
    spend: Budget | None = None


class SpentError(RefusedError):
    """A budget does not have so much; ``wait_s`` is when it is worth asking again."""

    def __init__(self, code: str, message: str, wait_s: int) -> None:
        """Keep the time."""
        super().__init__(code, message)
        self.wait_s = wait_s


class Pace(msgspec.Struct, frozen=True):
    """How many requests a minute, and how many of them at once; no requests set no bound."""

    per_minute: int = 0
    burst: int = 1


class Pacing:
    """Rates of a subject, its tenant and the model that it asks: all give one, or none does. Safe for many threads."""

    def __init__(self, rates: RateStore, subject: Pace, tenant: Pace) -> None:
        """Take from ``rates``."""
        self._rates, self._subject, self._tenant = rates, subject, tenant

    def bounds(self, model: Pace) -> bool:
        """Return whether anything bounds requests to a model of this pace."""
        return any(pace.per_minute for pace in (self._subject, self._tenant, model))

    def take(self, tenant: str, subject: str, model: str, pace: Pace, now_ns: int) -> None:
        """Take one request from all.

        Raises:
            SpentError: one of them has none now; nothing is taken.
        """
        of = ((("subject", subject), self._subject), (("tenant",), self._tenant), (("model", model), pace))
        asks = [RateAsk.per_minute(key_of("llm", *key), one.per_minute, one.burst) for key, one in of if one.per_minute]
        wait_ns = self._rates.admit(tenant, asks, now_ns)
        if wait_ns:
            raise SpentError(RATE, "rate limit reached: too many requests in a minute", -(-wait_ns // _S))


class Taken(msgspec.Struct, frozen=True):
    """What was taken for one request."""

    tenant: str
    at_ns: int
    price: Price
    tokens: int
    units: int
    wants: tuple[tuple[Of, Want, int], ...]


class Spending:
    """All budgets; safe for many threads."""

    def __init__(self, budgets: Budgets, subject: Allowance, tenant: Allowance) -> None:
        """Take from ``budgets``."""
        self._budgets = budgets
        self._allowances: tuple[tuple[str, Allowance], ...] = (("subject", subject), ("tenant", tenant))
        self.bounded = any(getattr(one, of) for _, one in self._allowances for of in ("requests", "tokens", "spend"))

    def take(self, tenant: str, subject: str, price: Price, tokens_in: int, tokens_out: int, now_ns: int) -> Taken:
        """Take what a request could cost.

        Raises:
            SpentError: a budget does not have it; nothing is taken.
            UnavailableError: the budgets cannot be written.
        """
        wants, taken = self._wanted(tenant, subject, price, tokens_in, tokens_out, now_ns)
        got: list[tuple[Of, Want, int]] = []
        for whose, (of, want, cost) in wants:
            if not self._budgets.take(tenant, want, cost, now_ns):
                for _, one, amount in got:
                    self._budgets.give_back(tenant, one, amount, now_ns)
                raise _spent(of, whose, want)
            got.append((of, want, cost))
        return taken

    def take_at_hand(
        self, tenant: str, subject: str, price: Price, tokens_in: int, tokens_out: int, now_ns: int
    ) -> Taken | None:
        """Take what a request could cost as ``take`` does where nobody must be waited for; ``None`` took nothing."""
        _, taken = self._wanted(tenant, subject, price, tokens_in, tokens_out, now_ns)
        costs = [(want, cost) for _, want, cost in taken.wants]
        return taken if self._budgets.take_at_hand(tenant, costs, now_ns) else None

    def _wanted(
        self, tenant: str, subject: str, price: Price, tokens_in: int, tokens_out: int, now_ns: int
    ) -> tuple[list[tuple[str, tuple[Of, Want, int]]], Taken]:
        """Return what is to be taken, each with whose it is, and all of it as taken."""
        units = price.units(tokens_in, tokens_out)
        costs: dict[Of, int] = {"requests": 1, "tokens": tokens_in + tokens_out, "spend": units}
        wants: list[tuple[str, tuple[Of, Want, int]]] = []
        for whose, allowance in self._allowances:
            for of, cost in costs.items():
                budget: Budget | None = getattr(allowance, of)
                if budget is not None and cost:
                    key = key_of("llm", of, whose, subject if whose == "subject" else "")
                    wants.append((whose, (of, Want(key, budget), cost)))
        return wants, Taken(tenant, now_ns, price, costs["tokens"], units, tuple(one for _, one in wants))

    def settle(self, taken: Taken, usage: Usage) -> None:
        """Give back what a request did not cost, and take what it cost more.

        Raises:
            UnavailableError: the budgets cannot be written; what was taken stays taken.
        """
        for want, left in self._left(taken, usage):
            if left > 0:
                self._budgets.give_back(taken.tenant, want, left, taken.at_ns)
            else:
                self._budgets.take(taken.tenant, want, -left, taken.at_ns)

    def settle_at_hand(self, taken: Taken, usage: Usage) -> bool:
        """Settle as ``settle`` does where nobody must be waited for and nothing more is taken; false did nothing."""
        left = self._left(taken, usage)
        return all(one > 0 for _, one in left) and self._budgets.give_at_hand(taken.tenant, left, taken.at_ns)

    @staticmethod
    def _left(taken: Taken, usage: Usage) -> list[tuple[Want, int]]:
        """Return of each budget what was not needed, below nothing what was needed more."""
        real = {"tokens": usage.tokens_in + usage.tokens_out}
        real["spend"] = taken.price.units(usage.tokens_in, usage.tokens_out)
        left = ((want, amount - real.get(of, amount)) for of, want, amount in taken.wants)
        return [(want, one) for want, one in left if one]

    def give_back(self, taken: Taken) -> None:
        """Give back all that was taken for a request that no model was asked; it still counts as a request."""
        for of, want, amount in taken.wants:
            if of != "requests":
                self._budgets.give_back(taken.tenant, want, amount, taken.at_ns)


def _spent(of: Of, whose: str, want: Want) -> SpentError:
    seconds, limit = want.budget.window_s, want.budget.limit
    if of == "spend":
        return SpentError(QUOTA, f"the {whose}'s budget of money for {seconds} s is used up", want.budget.wait_s)
    return SpentError(RATE, f"rate limit reached: {limit} {of} in {seconds} s for the {whose}", want.budget.wait_s)
