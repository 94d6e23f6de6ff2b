"""The settings of several replicas over one store."""

from typing import Annotated

from pydantic import Field

from ostiary.server.settings.base import Section


class ReplicasSection(Section):
    """Several `ostiary serve` over one store (ADR-0070)."""

    enabled: bool | None = None
    """Whether this is one of several, which all must say that share a store; unset: with PostgreSQL or a Valkey."""
    lease_s: Annotated[float, Field(ge=0.5, le=60)] = 3.0
    """Time after which what a silent replica did for all goes to another: the log's sequence, chores that run once."""
    session_lag_ms: Annotated[int, Field(ge=5, le=1000)] = 50
    """Longest time that a decision may rely on what was known of sessions before; older, it asks the store first."""
    inbox_limit: Annotated[int, Field(ge=100, le=10_000_000)] = 50_000
    """Records that may wait for their place in the log; past that a decision is refused as `overloaded`."""
