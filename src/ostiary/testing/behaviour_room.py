"""A room that judges no behaviour: it keeps who agreed and the windows it was given, in memory, for tests to look at.

>>> room = MemoryBehaviour()
>>> room.consents.find("acme", "user:ann") is None
True
"""

from typing import Generic, Protocol, TypeVar

from ostiary.errors import UnavailableError


class Owned(Protocol):
    """Anything that is of a tenant's subject."""

    @property
    def tenant(self) -> str:
        """Whose tenant."""
        ...

    @property
    def subject(self) -> str:
        """Whose it is."""
        ...


C = TypeVar("C", bound=Owned)
W = TypeVar("W", bound=Owned)


class MemoryConsents(Generic[C]):
    """Who agreed."""

    def __init__(self) -> None:
        """Start with nobody."""
        self._kept: dict[tuple[str, str], C] = {}

    def find(self, tenant: str, subject: str) -> C | None:
        """Return the agreement that holds."""
        return self._kept.get((tenant, subject))

    def give(self, consent: C) -> None:
        """Keep one."""
        self._kept[consent.tenant, consent.subject] = consent

    def withdraw(self, tenant: str, subject: str) -> bool:
        """Forget one."""
        return self._kept.pop((tenant, subject), None) is not None


class MemoryWindows(Generic[W]):
    """Keeps every window as it came, which no real room does."""

    def __init__(self) -> None:
        """Start with none."""
        self.seen: list[W] = []
        self.erased: list[tuple[str, str]] = []
        self.fails = False

    def take(self, seen: W) -> None:
        """Keep one, or fail where the test wants it to."""
        if self.fails:
            raise UnavailableError("behaviour_unavailable", "no window can be taken now")
        self.seen.append(seen)

    def erase(self, tenant: str, subject: str) -> None:
        """Forget a subject's."""
        if self.fails:
            raise UnavailableError("behaviour_unavailable", "nothing can be erased now")
        self.seen = [one for one in self.seen if (one.tenant, one.subject) != (tenant, subject)]
        self.erased.append((tenant, subject))

    def withdraw(self, tenant: str, subject: str) -> None:
        """Forget a subject's: there is no evidence here that could stay."""
        self.erase(tenant, subject)


class MemoryBehaviour(Generic[C, W]):
    """Both together."""

    def __init__(self) -> None:
        """Start empty."""
        self.consents: MemoryConsents[C] = MemoryConsents()
        self.sink: MemoryWindows[W] = MemoryWindows()
