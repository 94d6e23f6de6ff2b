"""Libraries that only training needs, by name: none of them is a dependency of the product.

``tools/train_inspection.sh`` makes an environment that has them all.
"""

from importlib import import_module
from typing import Any, Final

from ostiary.errors import UnavailableError

_HOW: Final = "run `tools/train_inspection.sh`, which makes an environment for it"


def need(name: str) -> Any:
    """Return the module ``name``.

    Raises:
        UnavailableError: ``training_extra_missing``.
    """
    try:
        return import_module(name)
    except ImportError as fault:
        raise UnavailableError("training_extra_missing", f"training needs the library `{name}`: {_HOW}") from fault
