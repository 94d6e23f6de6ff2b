"""What a stage of an ML pipeline carries: a token of minutes for one resource, bound to a key that never leaves it.

    from ostiary_sdk.pipeline import Access, ExchangedToken, github_actions

    access = Access("ostiary_dataset", "reviews", ("dataset.read",), purpose="training", stage="train")
    tokens = ExchangedToken("https://ostiary.example", "default", github_actions("ostiary"), access)
    tokens.headers("GET", "https://ostiary.example/pipeline/default/datasets/reviews/a.parquet")

Everything that calls a door takes a ``Tokens``; ``ExchangedToken`` is the one that gets its token by exchange
(RFC 8693). Proofs need the extra ``ostiary-sdk[pipeline]``.
"""

from ostiary_sdk.pipeline.access import Access
from ostiary_sdk.pipeline.exchanged import ExchangedToken
from ostiary_sdk.pipeline.exchanging import TokenError, TokenSettings
from ostiary_sdk.pipeline.sources import (
    SourceError,
    TokenSource,
    from_file,
    github_actions,
    gitlab,
    kubernetes,
    spiffe,
)
from ostiary_sdk.pipeline.tokens import Tokens

__all__ = [
    "Access",
    "ExchangedToken",
    "SourceError",
    "TokenError",
    "TokenSettings",
    "TokenSource",
    "Tokens",
    "from_file",
    "github_actions",
    "gitlab",
    "kubernetes",
    "spiffe",
]
