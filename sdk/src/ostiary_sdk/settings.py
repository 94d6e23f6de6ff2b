"""How an enforcement point asks; every time is in seconds and has a bound."""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

import msgspec

MAX_ANSWER: Final = 4 * 1024 * 1024


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What may be set.

    Attributes:
        timeout_s: the longest that a question may take, all attempts together; then the answer is no. (One that sends
            its headers byte by byte is held to it by ``AsyncClient`` only.)
        connects: attempts to connect. Once something was sent there is no second attempt.
        cache_s: how long a grant may be used again; 0 keeps none. This is how long a change that the feed does not tell
            (a policy, a catalogue, an hour of the day) may go unnoticed. Sessions and subjects fall at once.
        max_cached: grants kept.
        max_stale_s: after so long without a sign of life from the feed no kept grant is used.
        stream_recheck_s: how often a response that lasts is asked for again when the feed says nothing about it.
        connections: connections kept open.
        allow_http: whether a decision point elsewhere may be asked without TLS.
        verify: whether, or against which file of authorities, its certificate is checked.
    """

    timeout_s: float = 2.0
    connects: int = 2
    cache_s: float = 5.0
    max_cached: int = 50_000
    max_stale_s: float = 5.0
    stream_recheck_s: float = 15.0
    connections: int = 32
    allow_http: bool = False
    verify: bool | str = True


def checked_url(url: str, *, allow_http: bool) -> str:
    """Return the address without a slash at its end.

    Raises:
        ValueError: it is none, holds credentials, or is plain HTTP to another machine.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("the decision point's address must be an http(s) URL without query")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the decision point's address must hold no credentials")
    if parts.scheme == "http" and not allow_http and not _is_loopback(parts.hostname):
        raise ValueError("a decision point on another machine needs https (or allow_http=True)")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
