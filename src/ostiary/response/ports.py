"""What a response needs from the world, as Protocols that storage, testing and wiring fill.

Everything that a response keeps is a **card** in a drawer: a step of a plan, a case, an awaited obligation, a letter, a
blocked model. One store holds them all, so that there is one set of promises to keep and one test that holds them:

- a card is durable when the call returns, and is changed only by whoever saw its newest version (compare and set);
- ``add`` is all or nothing, and a name that is taken stays as it was: that is what makes a response idempotent;
- numbers of a series have no gap and no double;
- another tenant's card is as unknown as one that never was.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

import msgspec

from ostiary.response.steps import Step, StepKind
from ostiary.response.trigger import Trigger
from ostiary.vocabulary.effects import Phase
from ostiary.vocabulary.verdicts import DecisionRecord

NEVER: Final = 0


class Card(msgspec.Struct, frozen=True):
    """One thing that is kept.

    Attributes:
        drawer: what it is: ``step``, ``case``, ``obligation``, ``letter``, ``block``, ``trigger``.
        name: its id within tenant and drawer.
        state: where it stands; each drawer has its own words.
        topic: what belongs together: a subject, a sink, a case's matter.
        due_ns: when somebody must look at it again; 0 = never.
        number: its place in the series of its topic, from 1 on, or 0.
        version: counts changes.
        data: JSON of the thing itself.
    """

    tenant: str
    drawer: str
    name: str
    state: str
    data: bytes
    topic: str = ""
    subject: str = ""
    due_ns: int = NEVER
    made_ns: int = 0
    number: int = 0
    version: int = 0


class Cards(Protocol):
    """Keeps cards; safe for several threads, and for several processes where it is on disk."""

    def add(self, cards: Sequence[Card]) -> bool:
        """Add all of them in one transaction, or none; return false when the first one's name is taken.

        INVARIANT: of two calls with the same first card, at most one returns true.
        """
        ...

    def add_free(self, cards: Sequence[Card]) -> None:
        """Add those whose names are free, in one transaction; the others stay as they were."""
        ...

    def add_numbered(self, card: Card) -> Card:
        """Add one with the next number of its tenant, drawer and topic; a name that is taken keeps its card."""
        ...

    def replace(self, before: Card, after: Card) -> Card | None:
        """Put ``after`` where ``before`` is, and return it with its new version.

        ``None`` when somebody else changed it meanwhile.
        """
        ...

    def find(self, tenant: str, drawer: str, name: str) -> Card | None:
        """Return one card."""
        ...

    def due(self, drawer: str, states: Sequence[str], now_ns: int, limit: int) -> list[Card]:
        """Return cards of any tenant whose time has come, in these states, the longest due first, then by number."""
        ...

    def listed(self, tenant: str, drawer: str, states: Sequence[str], limit: int) -> list[Card]:
        """Return the newest cards of a tenant, newest first; no states = all states."""
        ...

    def about(self, tenant: str, drawer: str, topic: str, state: str, limit: int) -> list[Card]:
        """Return a tenant's cards of one topic and state, by number and then oldest first."""
        ...

    def count(self, drawer: str, states: Sequence[str]) -> int:
        """Return how many cards of all tenants are in these states."""
        ...

    def waiting(self, tenant: str, drawer: str, topic: str, states: Sequence[str]) -> int:
        """Return how many of a topic's cards are in these states."""
        ...

    def prune(self, drawer: str, states: Sequence[str], before_ns: int) -> int:
        """Remove cards of these states that were made before; return how many."""
        ...

    def erase_subject(self, tenant: str, subject: str) -> int:
        """Overwrite and remove every card about a subject; return how many."""
        ...


class Act(msgspec.Struct, frozen=True):
    """One step about to be done; ``key`` is the same however often it is tried, and names the effect."""

    key: str
    tenant: str
    step: Step
    trigger: Trigger
    playbook: str
    at_ns: int

    @property
    def reason(self) -> str:
        """The reason code under which the effect is known elsewhere."""
        return "playbook:" + self.playbook


class Blast(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whom a step would hit; lists are cut, counts are whole."""

    sessions: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    count: int = 0


class EffectHandler(Protocol):
    """Carries out one kind of step."""

    @property
    def kind(self) -> StepKind:
        """The kind it carries out."""
        ...

    def preview(self, act: Act) -> Blast:
        """Return whom it would hit now; changes nothing."""
        ...

    def perform(self, act: Act) -> str:
        """Do it and return one word about the outcome.

        INVARIANT: again with the same ``act.key`` it changes nothing further: it may be tried again after a crash.

        Raises:
            UnavailableError: try again later.
            RefusedError: it cannot be done; trying again will not help.
        """
        ...

    def undo(self, act: Act) -> str:
        """Take it back, for an administrator.

        Raises:
            RefusedError: ``step_not_undoable``.
        """
        ...


class PlaybookPhases(Protocol):
    """How far each playbook is rolled out, by control name ``playbook:<name>``."""

    def phase(self, tenant: str, control: str, subject: str = "", *, model: bool = False) -> Phase | None:
        """Return what people have set, or ``None``: then the playbook's own holds.

        Args:
            tenant: whose playbook it is.
            control: its control.
            subject: whom it is about, ``type:id``; a phase may hold for some subjects only.
            model: whether a model may be behind what set it off: then it may have been switched off altogether.

        Raises:
            UnavailableError: it cannot be told now; ask again.
        """
        ...


class SessionControl(Protocol):
    """What of ``sessions.SessionLedger`` a response uses."""

    def terminate(self, tenant: str, session_id: str, *, at_ns: int, reason: str, cause: str = "") -> bool:
        """End one session."""
        ...

    def reduce(
        self,
        tenant: str,
        session_id: str,
        *,
        at_ns: int,
        reason: str,
        cause: str = "",
        privileges: tuple[str, ...] = (),
        lifetime_s: int | None = None,
    ) -> bool:
        """Take privileges or lifetime away."""
        ...

    def demand_step_up(
        self,
        tenant: str,
        session_id: str,
        *,
        at_ns: int,
        reason: str,
        cause: str = "",
        acr_values: tuple[str, ...] = (),
    ) -> bool:
        """Ask for stronger authentication."""
        ...

    def revoke_subject(self, tenant: str, subject: str, *, at_ns: int, reason: str, cause: str = "") -> tuple[str, ...]:
        """End all sessions of a subject."""
        ...

    def of_subject(self, tenant: str, subject: str) -> Iterable[Any]:
        """Return the sessions of a subject, each with ``session_id`` and ``device_id``."""
        ...

    def of_device(self, tenant: str, device_id: str) -> Iterable[Any]:
        """Return the sessions on a device."""
        ...


class Quarantined(Protocol):
    """What of a device a response looks at: since when it is shut out (0 = it is not), and why."""

    @property
    def quarantined_ns(self) -> int:
        """Since when."""
        ...

    @property
    def quarantine_reason(self) -> str:
        """Why."""
        ...


class DeviceControl(Protocol):
    """What of the devices' book a response uses."""

    def find(self, tenant: str, device_id: str) -> Quarantined:
        """Return one device.

        Raises:
            RefusedError: ``device_unknown``.
        """
        ...

    def quarantine(self, tenant: str, device_id: str, *, now_ns: int, reason: str, cause: str = "") -> Quarantined:
        """Shut a device out; one that is out already stays so, with its moment and reason.

        Raises:
            RefusedError: ``device_unknown``.
        """
        ...

    def release(self, tenant: str, device_id: str, *, now_ns: int, cause: str = "") -> object:
        """Let a device in again.

        Raises:
            RefusedError: ``device_unknown``.
        """
        ...


class TokenControl(Protocol):
    """Switches service tokens and enforcement points off and on."""

    def disable(self, tenant: str, name: str) -> bool:
        """Make it unknown; return false when it was already.

        Raises:
            RefusedError: ``pep_unknown``.
        """
        ...

    def enable(self, tenant: str, name: str) -> bool:
        """Make it known again; return false when it was already."""
        ...


DecisionFinder = Callable[[str, str], DecisionRecord | None]
"""Returns a tenant's decision record by its id."""
