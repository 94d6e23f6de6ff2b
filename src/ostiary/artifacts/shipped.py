"""Where the files that Ostiary ships lie: the policy bundle and the models.

- In an installed wheel they are inside the package, as ``ostiary/_shipped/{policies,models}``.
- In a checkout they are the folders ``policies/`` and ``models/`` beside ``src/``; nothing is copied.
- A folder that is in neither place is an installation fault, and says so.

>>> policies_dir().name
'policies'
"""

from pathlib import Path

import ostiary
from ostiary.errors import UnavailableError

_PACKAGE = Path(ostiary.__file__).resolve().parent


def policies_dir() -> Path:
    """Return the folder of the shipped policy bundle.

    Raises:
        UnavailableError: ``shipped_files_missing``, when the installation has no such folder.
    """
    return find("policies", _PACKAGE)


def models_dir() -> Path:
    """Return the folder of the shipped, signed models.

    Raises:
        UnavailableError: ``shipped_files_missing``, when the installation has no such folder.
    """
    return find("models", _PACKAGE)


def find(name: str, package: Path) -> Path:
    """Return the shipped folder ``name`` for the package at ``package``: the wheel's own first, then the checkout's."""
    for place in (package / "_shipped" / name, package.parent.parent / name):
        if place.is_dir():
            return place
    raise UnavailableError("shipped_files_missing", f"the shipped folder `{name}` is missing: install ostiary anew")
