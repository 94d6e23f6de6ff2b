"""The section ``tokens``: what Ostiary's own access tokens keep to, whoever asks for them."""

from typing import Annotated, Final, Literal

from pydantic import Field

from ostiary.server.settings.base import Section

Kind = Literal[
    "ostiary_dataset", "ostiary_endpoint", "ostiary_feature_set", "ostiary_index", "ostiary_model", "ostiary_training"
]
ALL: Final[tuple[Kind, ...]] = (
    "ostiary_dataset",
    "ostiary_endpoint",
    "ostiary_feature_set",
    "ostiary_index",
    "ostiary_model",
    "ostiary_training",
)
_MOST: Final = 2**53


class TokensSection(Section):
    """Access tokens for the doors of the pipeline, by token exchange (RFC 8693)."""

    enabled: bool = True
    """Whether there is a token endpoint."""
    lifetime_s: Annotated[int, Field(ge=30, le=3600)] = 300
    """Longest life of a token; it never outlives what it was exchanged for."""
    types: tuple[Kind, ...] = ALL
    """Kinds of resources that tokens are made for."""
    max_bytes: Annotated[int, Field(ge=0, le=_MOST)] = 0
    """Most bytes that may be read with one token, and with all that a workload exchanges in a window of budgets; what
    one is given that asks for no limit. 0 leaves it open."""
    max_objects: Annotated[int, Field(ge=0, le=_MOST)] = 0
    """Most objects that may be read with one token, and with all that a workload exchanges in a window of budgets; what
    one is given that asks for no limit. 0 leaves it open."""
    budget_window_s: Annotated[int, Field(ge=3600, le=2_592_000)] = 3600
    """The window in which all tokens that a workload exchanges for one resource share `max_bytes`, `max_objects`,
    `datasets.max_read_mb` and `features.token_rows`: exchanging again gives no fresh budget."""
