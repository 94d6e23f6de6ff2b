"""People, service accounts and jobs: three groups whose behaviour has nothing in common, and so each has its own model.

>>> group_of("user"), group_of("service"), group_of("cronjob")
('people', 'service accounts', 'jobs')
"""

from collections.abc import Hashable, Sequence
from typing import Final, TypeVar

Key = TypeVar("Key", bound=Hashable)

PEOPLE: Final = "people"
SERVICES: Final = "service accounts"
JOBS: Final = "jobs"
GROUPS: Final = (PEOPLE, SERVICES, JOBS)
EVERYBODY: Final = "everybody"
"""The model for a group that has none of its own."""

_PEOPLE: Final = frozenset({"user", "person", "human", "employee"})
_JOBS: Final = frozenset({"job", "cronjob", "pipeline", "ci", "runner", "batch", "build"})


def group_of(subject_type: str) -> str:
    """Return the group of a subject's type; what is no person and no job is a service account."""
    if subject_type in _PEOPLE:
        return PEOPLE
    return JOBS if subject_type in _JOBS else SERVICES


def alike(keys: Sequence[Key]) -> dict[Key, list[int]]:
    """Return the places of each key, in the order in which they first come.

    >>> alike(["b", "a", "b"])
    {'b': [0, 2], 'a': [1]}
    """
    found: dict[Key, list[int]] = {}
    for place, key in enumerate(keys):
        found.setdefault(key, []).append(place)
    return found
