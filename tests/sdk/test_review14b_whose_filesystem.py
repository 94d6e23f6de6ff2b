"""fsspec keeps filesystems by what their arguments show, and tokens show no secret: Bob was handed Alice's."""

import copy
from typing import Any

import fsspec

from ostiary_sdk.datasets import OstiaryFileSystem
from ostiary_sdk.pipeline import Access, ExchangedToken

URL = "https://ostiary.example"
ACCESS = Access("ostiary_dataset", "sales", ("dataset.read",))


class Named:
    """Tokens whose source can travel."""

    def __init__(self, who: str) -> None:
        self.who = who

    def __repr__(self) -> str:
        return "Named()"

    def headers(self, _method: str, _url: str, /) -> dict[str, str]:
        return {"Authorization": self.who}


def _whose(filesystem: Any) -> Any:
    return filesystem._doorway._tokens("sales")  # what the next request would be sent with


def _ways() -> list[Any]:
    def placed(tokens: Any) -> Any:
        return OstiaryFileSystem(URL, "acme", tokens)

    def named(tokens: Any) -> Any:
        return OstiaryFileSystem(URL, "acme", tokens=tokens)

    def by_protocol(tokens: Any) -> Any:
        return fsspec.filesystem("ostiary", endpoint=URL, tenant="acme", tokens=tokens)

    def by_path(tokens: Any) -> Any:
        return fsspec.core.url_to_fs("ostiary://sales/a", endpoint=URL, tenant="acme", tokens=tokens)[0]

    return [placed, named, by_protocol, by_path]


def test_a_filesystem_is_of_the_caller_who_asked_for_it() -> None:
    alice, bob = (ExchangedToken(URL, "acme", who, ACCESS) for who in ("alice", "bob"))
    assert repr(alice) == repr(bob)
    for made in _ways():
        first, second = made(alice), made(bob)
        assert (_whose(first), _whose(second)) == (alice, bob)
        assert first != second
        assert made(alice) is first


def test_one_that_travels_keeps_its_own_tokens() -> None:
    first = OstiaryFileSystem(URL, "acme", tokens=Named("alice"))
    there = copy.deepcopy(first)  # as a pickle does: from its arguments
    assert _whose(there).who == "alice"
    assert _whose(OstiaryFileSystem(URL, "acme", tokens=Named("bob"))).who == "bob"
