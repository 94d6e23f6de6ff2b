"""What is attacked: a model, the history around it, a place to work in, and luck that can be repeated.

- The model is the one that is in force, or that was named. Without one, a small one is trained on the simulated
  organisation, and every figure says so (``World.origin``).
- The history is a simulated organisation with attacks in its sessions, or a file of events with verdicts.
- Everything is made once, when an attack first asks for it.

>>> World(seed=1).rng("padding").random() == World(seed=1).rng("padding").random()
True
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import msgspec

from ostiary.vocabulary.events import AccessEvent

if TYPE_CHECKING:
    from ostiary.risk.model import RiskModel

SIMULATED: Final = "simulated organisation"


class Scale(msgspec.Struct, frozen=True):
    """How thoroughly is attacked: people and days of the simulated organisation, and tries of each attack at most."""

    people: int
    days: int
    tries: int


QUICK: Final = Scale(people=30, days=20, tries=60)
FULL: Final = Scale(people=80, days=30, tries=400)


class Past(msgspec.Struct, frozen=True):
    """A history with verdicts.

    Attributes:
        events: in the order of time.
        verdicts: label by event id, 1 = not the subject's own.
        attacks: which attack an event belongs to, by event id.
        border_ns: what came before it may be learned from; what came after is attacked and measured.
    """

    events: Sequence[AccessEvent]
    verdicts: Mapping[str, int]
    attacks: Mapping[str, str]
    border_ns: int

    @property
    def earlier(self) -> list[AccessEvent]:
        """What may be learned from."""
        return [event for event in self.events if event.time_ns < self.border_ns]


class World:
    """Hands out what attacks need; close it, or use it as a context manager."""

    def __init__(
        self,
        seed: int = 7,
        scale: Scale = QUICK,
        *,
        model: "RiskModel | None" = None,
        past: Past | None = None,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """Take what there is; what is missing is simulated."""
        self.seed = seed
        self.scale = scale
        self.tell = tell
        self._model = model
        self._past = past
        self._opened = ExitStack()

    def rng(self, name: str) -> Random:
        """Return luck of one's own, the same for the same seed and name."""
        return Random(f"{self.seed}:{name}")  # noqa: S311 - an experiment, no secret

    @property
    def origin(self) -> str:
        """Where model and history come from."""
        model = f"model {self._model.digest}" if self._model is not None else f"model trained on a {SIMULATED}"
        return f"{model}, {'given history' if self._past is not None else SIMULATED}"

    @cached_property
    def folder(self) -> Path:
        """An empty directory that goes with the world."""
        return Path(self._opened.enter_context(tempfile.TemporaryDirectory(prefix="ostiary-redteam-")))

    @cached_property
    def past(self) -> Past:
        """The history, the given one or a simulated one."""
        if self._past is not None:
            return self._past
        from ostiary.redteam.simulated import simulated_past  # noqa: PLC0415 - only where nothing was given

        self.tell(f"simulating {self.scale.people} people for {self.scale.days} days")
        return simulated_past(self.seed, self.scale.people, self.scale.days)

    @cached_property
    def model(self) -> "RiskModel":
        """The model, the given one or one trained on the past before its border.

        Raises:
            UnavailableError: ``risk_extra_missing``.
        """
        if self._model is not None:
            return self._model
        from ostiary.redteam.simulated import trained_model  # noqa: PLC0415

        self.tell("training a model on it")
        return trained_model(self.past, self.seed, self.folder)

    def __enter__(self) -> Self:
        """Return the world itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take away what was made."""
        self._opened.close()
