"""Every link of every page leads somewhere: an owner follows them all, from the navigation to the last row.

A page may say that something is not there or not for this person (404, 403); a link of ours never leads to such a page,
nor to an error.
"""

import json
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from ostiary.server.console.pages import all_routes
from ostiary.testing.console import FakeBrowser

HREF = re.compile(r'(?:data-)?href="([^"]*)"')
NOT_FOLLOWED = {"/live", "/dev/style"}  # a stream of events, and examples: each has tests of its own
MOST_OF_A_KIND = 2  # pages of one route, such as of single decisions, that are followed
MOST = 400


def links(page: str, path: str) -> Iterator[str]:
    """Yield the addresses within the console that a page leads to."""
    for found in HREF.findall(page):
        address = urlsplit(urljoin(f"http://console{path}", unescape(found)))
        if address.netloc == "console" and address.path not in NOT_FOLLOWED:
            yield address.path + (f"?{address.query}" if address.query else "")


def kind(address: str) -> str:
    """Return what an address is one of: its path without names, and which filters it sets."""
    path, _, query = address.partition("?")
    named = re.sub(r"(?<=/)[^/]*(?:[0-9]|:|%|@|\.rego)[^/]*", "*", path)
    return f"{named}?{'&'.join(sorted(one.partition('=')[0] for one in query.split('&')))}"


@pytest.fixture(scope="module")
def lived_in(server: Any, people: Callable[..., FakeBrowser]) -> Any:
    """Let somebody be allowed, denied and named oddly, so that lists have rows."""
    for who, what in (("alice", "handbook"), ("alice", "nowhere"), ("a/b?c=d&e#f", "handbook"), ("a/b?c=d&e#f", "a/b")):
        subject, resource = {"type": "user", "id": who}, {"type": "document", "id": what}
        asked = {"subject": subject, "action": {"name": "read"}, "resource": resource}
        server.post("evaluation", json.dumps(asked)).raise_for_status()
    return server


def test_every_link_leads_somewhere(lived_in: Any, people: Callable[..., FakeBrowser]) -> None:
    owner = people("owner", name="walker", deployment=True)
    starts = sorted({one.path for one in all_routes() if one.method == "GET" and "{" not in one.path} - NOT_FOLLOWED)
    waiting, known = deque((start, "the route table") for start in starts), set(starts)
    of_a_kind: Counter[str] = Counter()
    wrong, followed = [], 0
    while waiting and followed < MOST:
        address, on = waiting.popleft()
        answer = owner.get(address)
        followed += 1
        if answer.status_code >= 400:
            wrong.append(f"{answer.status_code} {address} (a link on {on})")
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        for link in links(answer.text, address):
            of_a_kind[kind(link)] += link not in known
            if link not in known and of_a_kind[kind(link)] <= MOST_OF_A_KIND:
                known.add(link)
                waiting.append((link, address))
    assert not wrong, "\n".join(wrong)
    assert len(known) > len(starts) + 20, "the crawl has hardly found a link"
