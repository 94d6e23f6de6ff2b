"""Who comes to the door, from ``storage_options`` or the environment.

    OSTIARY_URL          the server's public address
    OSTIARY_TENANT       the tenant; `default` when not told
    OSTIARY_TOKEN_FILE   a file with the identity that the platform gave: it is exchanged for a token of each dataset
    OSTIARY_PLATFORM     instead of a file: `github` (for OSTIARY_AUDIENCE), `gitlab`, `kubernetes` or `spiffe`
    OSTIARY_PURPOSE      what the data is read for
    OSTIARY_STAGE        which stage of the pipeline this is

A token names one dataset, so one is had for each, when it is first touched.
"""

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from ostiary_sdk.datasets.doorway import Doorway
from ostiary_sdk.pipeline import (
    Access,
    ExchangedToken,
    Tokens,
    TokenSource,
    from_file,
    github_actions,
    gitlab,
    kubernetes,
    spiffe,
)

ACTIONS: Final = ("dataset.read", "dataset.list")
WRITES: Final = ("dataset.write", "dataset.delete")
_PLATFORMS: Final[dict[str, Callable[[], TokenSource]]] = {"gitlab": gitlab, "kubernetes": kubernetes, "spiffe": spiffe}


class Given:
    """Tokens that were handed in, as fsspec keeps them among the arguments of a filesystem.

    fsspec hands out the same filesystem for arguments that show themselves alike, and tokens show no secret: two
    callers' are told apart by which they are.
    """

    __slots__ = ("tokens",)

    def __init__(self, tokens: Tokens | Callable[[str], Tokens]) -> None:
        """Keep them; who is kept has a name that nobody else gets."""
        self.tokens = tokens

    def __repr__(self) -> str:  # type: ignore[explicit-override] # typing.override is not in 3.11
        """Say which they are, and nothing of them."""
        return f"{type(self.tokens).__name__} at {id(self.tokens):#x}"


def doorway_of(
    *,
    url: str | None,
    tenant: str | None,
    tokens: Given | Tokens | Callable[[str], Tokens] | None,
    options: Mapping[str, Any],
    environ: Mapping[str, str] = os.environ,
) -> Doorway:
    """Return the door that was asked for.

    Raises:
        ValueError: nobody says where it is, or who comes.
    """
    place = url or environ.get("OSTIARY_URL", "")
    if not place:
        raise ValueError("say where the door is: storage_options={'endpoint': …} or OSTIARY_URL")
    whose = tenant or environ.get("OSTIARY_TENANT", "default")
    given = tokens.tokens if isinstance(tokens, Given) else tokens
    return Doorway(place, whose, _tokens(place, whose, given, environ), **options)


def _tokens(
    url: str, tenant: str, given: Tokens | Callable[[str], Tokens] | None, environ: Mapping[str, str]
) -> Callable[[str], Tokens]:
    if given is not None:
        return _held(given)
    return _Exchanged(url, tenant, _source(environ), environ)


def _source(environ: Mapping[str, str]) -> TokenSource:
    path, platform = environ.get("OSTIARY_TOKEN_FILE", ""), environ.get("OSTIARY_PLATFORM", "")
    if path:
        return from_file(path)
    if platform == "github":
        return github_actions(environ.get("OSTIARY_AUDIENCE", "ostiary"))
    if platform not in _PLATFORMS:
        raise ValueError("say who comes: storage_options={'tokens': …}, OSTIARY_TOKEN_FILE or OSTIARY_PLATFORM")
    return _PLATFORMS[platform]()


def _held(given: Tokens | Callable[[str], Tokens]) -> Callable[[str], Tokens]:
    if callable(given):
        return given
    held = given  # one for all datasets
    return lambda _dataset: held


class _Exchanged:
    """Exchanges the platform's identity for a token of each dataset, once it is needed."""

    def __init__(self, url: str, tenant: str, source: TokenSource, environ: Mapping[str, str]) -> None:
        self._given = (url, tenant, source)
        self._purpose = environ.get("OSTIARY_PURPOSE", "")
        self._stage = environ.get("OSTIARY_STAGE", "")
        self._actions = ACTIONS + WRITES if environ.get("OSTIARY_WRITES") == "1" else ACTIONS
        self._held: dict[str, Tokens] = {}
        self._lock = threading.Lock()

    def __call__(self, dataset: str) -> Tokens:
        with self._lock:
            held = self._held.get(dataset)
            if held is None:
                held = self._held[dataset] = self._made(dataset)
            return held

    def _made(self, dataset: str) -> Tokens:
        url, tenant, source = self._given
        access = Access("ostiary_dataset", dataset, self._actions, purpose=self._purpose, stage=self._stage)
        return ExchangedToken(url, tenant, source, access)
