"""Finds the kinds of workload: one module a kind in ``kinds``, with a ``KIND`` that bears the module's name.

>>> sorted(kinds())
['github', 'gitlab', 'kubernetes', 'spiffe']
"""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

import ostiary.identity.workloads.kinds as folder
from ostiary.errors import FaultyInputError
from ostiary.identity.reasons import Refusal
from ostiary.identity.workloads.kind import WorkloadKind


@cache
def kinds() -> Mapping[str, WorkloadKind]:
    """Return all kinds by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    found = {name: import_module(f"{folder.__name__}.{name}").KIND for name in names}
    return MappingProxyType(found)


def kind_of(name: str) -> WorkloadKind:
    """Return the kind with this name.

    Raises:
        FaultyInputError: ``identity_config_invalid``.
    """
    kind = kinds().get(name)
    if kind is None:
        message = f"`{name[:40]}` is no kind of workload: there are {', '.join(kinds())}"
        raise FaultyInputError(Refusal.IDENTITY_CONFIG_INVALID, message)
    return kind
