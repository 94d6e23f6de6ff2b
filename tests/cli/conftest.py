"""What several verbs' tests share: trainings that are short."""

import functools
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ostiary.cli.risk import train as verb

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_ROUNDS = 8


@pytest.fixture
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a short history have a few more rounds than a long one, not the forty that make up for its shortness."""
    shaped: Callable[..., Any] = verb._shaped

    @functools.wraps(shaped)
    def shorter(*given: Any, **more: Any) -> Any:
        settings = shaped(*given, **more)
        prepare = msgspec.structs.replace(settings.prepare, most_rounds=MOST_ROUNDS)
        return msgspec.structs.replace(settings, session_rounds=1, prepare=prepare)

    monkeypatch.setattr(verb, "_shaped", shorter)
