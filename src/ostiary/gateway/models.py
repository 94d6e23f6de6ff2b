"""The language models that are served: each one's name, other names, upstream and price, by tenant.

A name means one thing: an alias that is another model's name, or stands twice, is a fault of the configuration. What is
not there, and what is another tenant's, is the same nothing.
"""

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.gateway.usage import Price

EVERY: Final = "*"
Kind = Literal["chat", "embeddings"]


class LanguageModel(msgspec.Struct, frozen=True):
    """One model.

    Attributes:
        name: how policy, records and prices know it.
        upstream: the name of its server; empty for the one that is inside.
        target: its name there.
        aliases: other names by which it may be asked for.
        tenants: who has it; ``*`` is everybody.
        kinds: what it can do.
        sensitivity, labels, critical: as in the catalogue.
        price: of a million tokens.
        owner: as ``type:id``.
        requests_per_minute, burst: what all of a tenant may ask of it, and how many at once; 0 sets no bound.
    """

    name: str
    upstream: str = ""
    target: str = ""
    aliases: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ("default",)
    kinds: tuple[Kind, ...] = ("chat",)
    sensitivity: int = 1
    labels: tuple[str, ...] = ()
    critical: bool = False
    price: Price = Price()
    owner: str = ""
    requests_per_minute: int = 0
    burst: int = 1


class ModelTable:
    """All models, looked up by tenant and name."""

    def __init__(self, models: Iterable[LanguageModel]) -> None:
        """Check that each name means one thing to each tenant.

        Raises:
            FaultyInputError: ``model_ambiguous``.
        """
        self._models = tuple(models)
        self._named: dict[tuple[str, str], LanguageModel] = {}
        for model in self._models:
            for tenant in model.tenants:
                for name in dict.fromkeys((model.name, *model.aliases)):
                    self._enter(tenant, name, model)
        for tenant, name in self._named:
            if tenant != EVERY and (EVERY, name) in self._named:
                raise _ambiguous(name)

    def find(self, tenant: str, name: str) -> LanguageModel | None:
        """Return the model that a tenant calls ``name``."""
        return self._named.get((tenant, name)) or self._named.get((EVERY, name))

    def of(self, tenant: str) -> list[LanguageModel]:
        """Return a tenant's models, by name."""
        mine = [model for model in self._models if tenant in model.tenants or EVERY in model.tenants]
        return sorted(mine, key=lambda model: model.name)

    def _enter(self, tenant: str, name: str, model: LanguageModel) -> None:
        if (tenant, name) in self._named or tenant == "":
            raise _ambiguous(name)
        self._named[tenant, name] = model


def _ambiguous(name: str) -> FaultyInputError:
    return FaultyInputError("model_ambiguous", f"the name `{name}` stands for two language models")
