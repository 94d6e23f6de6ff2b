"""Looks for what fails open in a proxy's own configuration: Envoy's YAML or JSON, nginx's text.

It reads one file as text and knows what matters to asking: a question that is skipped when Ostiary is away, names of
ours that a client may set, paths that are read in two ways. It is no parser of all that these programs take, and says
nothing of a file that it finds no question in but that there is none.

>>> [one.code for one in lint("server { location / { proxy_pass http://app; } }")]
['edge_not_asked']
"""

import re
from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec
import yaml

from ostiary.errors import FaultyInputError
from ostiary.server.edge.answers import TOLD

MAX_BYTES: Final = 1_048_576
_AUTHZ: Final = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"
_HCM: Final = "HttpConnectionManager"
_MAX_NODES: Final = 200_000
_NGINX_TEXT: Final = re.compile(r"^\s*(server|location|http|upstream)\b[^\n:]*\{", re.MULTILINE)
_LOCATION: Final = re.compile(r"\blocation\s+([^{};]{1,512})\{")
_ASKS: Final = re.compile(r"\bauth_request\s+/")
_MAX_LOCATIONS: Final = 500
_PASSES: Final = re.compile(r"\b(?:fastcgi|grpc|memcached|proxy|scgi|uwsgi)_pass\s")
Level = Literal["error", "warning"]


class Remark(msgspec.Struct, frozen=True):
    """One thing that lets somebody through, or may."""

    level: Level
    code: str
    text: str


def lint(text: str) -> list[Remark]:
    """Return what is to be said of a configuration, gravest first.

    Raises:
        FaultyInputError: ``edge_file_invalid``: it is too long or no text of these kinds.
    """
    if len(text) > MAX_BYTES:
        raise FaultyInputError("edge_file_invalid", f"the file is longer than {MAX_BYTES} bytes")
    found = list(
        _nginx(text) if "{" in text and re.search(r"^\s*(server|location|http)\b", text, re.MULTILINE) else _envoy(text)
    )
    return sorted(found, key=lambda one: one.level)


def _envoy(text: str) -> Iterator[Remark]:
    try:
        told = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as fault:
        raise FaultyInputError("edge_file_invalid", "the file is neither YAML nor nginx's") from fault
    asks = _typed(told, _AUTHZ)
    if not asks:
        yield Remark("error", "edge_not_asked", "no `ext_authz` filter stands in this file: nobody is asked")
    for one in asks:
        yield from _asking(one)
    for manager in _typed(told, _HCM):
        yield from _connections(manager, asks=bool(asks))


def _asking(one: dict[str, Any]) -> Iterator[Remark]:
    if one.get("failure_mode_allow") is True:
        yield Remark("error", "edge_fails_open", "`failure_mode_allow: true` lets all through while Ostiary is away")
    if "filter_enabled" in one and "deny_at_disable" not in one:
        yield Remark("error", "edge_may_be_off", "`filter_enabled` can switch the question off: set `deny_at_disable`")
    body = one.get("with_request_body")
    if isinstance(body, dict) and body.get("allow_partial_message") is True:
        yield Remark(
            "warning",
            "edge_body_cut",
            "`allow_partial_message: true` sends parts of bodies; inspected routes refuse them",
        )
    answer = one.get("http_service", {}).get("authorization_response", {})
    if "http_service" in one and not _names_ours(answer.get("allowed_upstream_headers")):
        yield Remark(
            "error", "edge_headers_kept", "`allowed_upstream_headers` does not write `x-ostiary-` over a client's own"
        )


def _connections(manager: dict[str, Any], *, asks: bool) -> Iterator[Remark]:
    filters = [one for one in manager.get("http_filters") or [] if isinstance(one, dict)]
    names = [str(_at(one, "typed_config", "@type")) for one in filters]
    asking = next((place for place, name in enumerate(names) if name.endswith(_AUTHZ)), len(names))
    strip = next((place for place, one in enumerate(filters) if _strips(one)), len(names))
    if asks and strip >= asking:
        yield Remark("error", "edge_not_stripped", "nothing before `ext_authz` takes out headers of `x-ostiary-`")
    if manager.get("normalize_path") is not True:
        yield Remark("error", "edge_path_raw", "`normalize_path: true` is missing: paths climb as they come")
    if manager.get("merge_slashes") is not True:
        yield Remark("warning", "edge_slashes", "`merge_slashes: true` is missing; Ostiary refuses `//`")
    if manager.get("path_with_escaped_slashes_action") != "REJECT_REQUEST":
        yield Remark("warning", "edge_escaped_slashes", "`path_with_escaped_slashes_action: REJECT_REQUEST` is missing")
    underscores = _at(manager, "common_http_protocol_options", "headers_with_underscores_action")
    if underscores not in {"REJECT_REQUEST", "DROP_HEADER"}:
        yield Remark("error", "edge_underscores", "`x_ostiary_subject` comes through, and is ours to many frameworks")
    if any(one.get("disabled") is True for one in _typed(manager.get("route_config"), "ExtAuthzPerRoute")):
        yield Remark("warning", "edge_route_unasked", "a route switches the question off")


_NGINX: Final[tuple[tuple[bool, str, Level, str, str], ...]] = (
    # (whether it must be there, its pattern, …): each is looked for in the text without comments, in lower case.
    (False, r"\bauth_request\s+off\b", "warning", "edge_route_unasked", "a location switches the question off"),
    (False, r"\bsatisfy\s+any\b", "error", "edge_fails_open", "`satisfy any` lets through whom another rule does"),
    (
        False,
        r"\berror_page\s+[^;]*\b5\d\d\s*=\s*(200|@|/)",
        "error",
        "edge_fails_open",
        "`error_page 5xx =…` answers where Ostiary is away",
    ),
    (
        False,
        r"\berror_page\s+[^;]*\b[45]\d\d\s*=\s*2\d\d\b",
        "error",
        "edge_fails_open",
        "`error_page … =2xx` tells a refusal as a success",
    ),
    (
        False,
        r"\bunderscores_in_headers\s+on\b",
        "error",
        "edge_underscores",
        "`underscores_in_headers on`: `X_Ostiary_Subject` is ours to many",
    ),
    (True, r"\binternal\s*;", "error", "edge_open_question", "the location that asks must be `internal`"),
    (
        True,
        r"proxy_set_header\s+x-original-uri\s+\$request_uri\s*;",
        "error",
        "edge_path_raw",
        "`proxy_set_header X-Original-URI $request_uri` is missing",
    ),
    (
        False,
        r"\brewrite\s+\S+\s+\S+|proxy_pass\s+https?://[^/;\s]+/(?!edge/auth\s*;)[^;]*;",
        "warning",
        "edge_path_changed",
        "a path is changed after it was decided on: give `proxy_pass` no path",
    ),
    *(
        (
            True,
            rf"proxy_set_header\s+{name}\s+\$",
            "error",
            "edge_headers_kept",
            f"`proxy_set_header {name.title()} $…` is missing: a client may set it",
        )
        for name in TOLD
    ),
)


def _nginx(text: str) -> Iterator[Remark]:
    plain = re.sub(r"(?m)(^|\s)#.*$", "", text).lower()
    if not re.search(r"\bauth_request\s+/", plain):
        yield Remark("error", "edge_not_asked", "no `auth_request` stands in this file: nobody is asked")
        return
    for wanted, pattern, level, code, words in _NGINX:
        if bool(re.search(pattern, plain)) is not wanted:
            yield Remark(level, code, words)
    yield from _locations(plain)


def _locations(plain: str) -> Iterator[Remark]:
    """Yield a remark for each location that leads to an application though nobody was asked, or the answer was no."""
    blocks = list(_blocks(plain))
    asked = [(start, end) for _, start, end in blocks if _ASKS.search(plain, start, end)]
    outside = "".join(_between(plain, [(start, end) for _, start, end in blocks]))
    refusals = {name for told in re.findall(r"\berror_page\s+([^;]*);", plain) for name in re.findall(r"@\S+", told)}
    for name, start, end in blocks:
        if not _PASSES.search(plain, start, end):
            continue
        guarded = bool(_ASKS.search(outside)) or any(first <= start and end <= last for first, last in asked)
        if name in refusals:
            yield Remark("error", "edge_fails_open", f"a refusal ends in `location {name}`, which asks the application")
        elif not (
            guarded or name.startswith("@") or re.search(r"\binternal\s*;|\bauth_request\s+off\s*;", plain[start:end])
        ):
            yield Remark("error", "edge_route_unasked", f"nobody is asked about `location {name}`")


def _blocks(plain: str) -> Iterator[tuple[str, int, int]]:
    """Yield the name of each location, and where its inside begins and ends.

    Raises:
        FaultyInputError: ``edge_file_invalid``: there are too many.
    """
    ends: dict[int, int] = {}
    opened: list[int] = []
    for brace in re.finditer(r"[{}]", plain):
        if brace[0] == "{":
            opened.append(brace.end())
        elif opened:
            ends[opened.pop()] = brace.start()
    for number, one in enumerate(_LOCATION.finditer(plain)):
        if number >= _MAX_LOCATIONS:
            raise FaultyInputError("edge_file_invalid", f"the file has more than {_MAX_LOCATIONS} locations")
        yield one[1].strip(), one.end(), ends.get(one.end(), len(plain))


def _between(plain: str, blocks: list[tuple[int, int]]) -> Iterator[str]:
    """Yield what stands in none of the blocks, which are told in their order."""
    place = 0
    for start, end in blocks:
        if start >= place:
            yield plain[place:start]
        place = max(place, end)
    yield plain[place:]


def _strips(one: dict[str, Any]) -> bool:
    mutates = "HeaderMutation" in str(_at(one, "typed_config", "@type"))
    return mutates and any("x-ostiary-" in str(_at(rule, "key_matcher", "prefix")) for rule in _objects(one))


def _names_ours(patterns: Any) -> bool:
    told = _objects(patterns)
    if any(str(one.get("prefix", "")) == "x-ostiary-" for one in told):
        return True
    return {str(one.get("exact", "")) for one in told} >= set(TOLD)


def _typed(value: Any, kind: str) -> list[dict[str, Any]]:
    return [one for one in _objects(value) if str(one.get("@type", "")).endswith(kind)]


def _at(value: Any, *names: str) -> Any:
    """Return what stands at a place in a document, or ``None``."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return every object in a document; aliases may make more of them than there are bytes.

    Raises:
        FaultyInputError: ``edge_file_invalid``: there are too many.
    """
    found: list[dict[str, Any]] = []
    waiting, seen = [value], 0
    while waiting:
        one = waiting.pop()
        seen += 1
        if seen > _MAX_NODES:
            raise FaultyInputError("edge_file_invalid", "the file holds too much")
        if isinstance(one, dict):
            found.append(one)
            waiting += list(one.values())[::-1]
        elif isinstance(one, list):
            waiting += one[::-1]
    return found
