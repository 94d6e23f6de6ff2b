r"""One HTTP ``CONNECT`` request, read strictly: what two parsers could read in two ways is refused (RFC 9112 §3.2.3).

>>> read_connect(b"CONNECT registry.example:443 HTTP/1.1\r\nHost: registry.example:443\r\n\r\n")
Target(host='registry.example', port=443)
>>> read_connect(b"CONNECT registry.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n")
Traceback (most recent call last):
ostiary.errors.FaultyInputError: `Host` names another place than `CONNECT`
"""

import re
from typing import Final

from ostiary.errors import FaultyInputError
from ostiary.pipeline.training.egress import Target, parse_target

MAX_HEAD: Final = 8_192
MAX_HEADERS: Final = 32
END: Final = b"\r\n\r\n"
_LINE: Final = re.compile(rb"CONNECT ([!-~]{1,300}) HTTP/1\.[01]\Z")
_HEADER: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}):[ \t]*([\x20-\x7e\t]*)\Z")
# A body of CONNECT has no meaning, and a length or coding is how requests are smuggled (RFC 9110 §9.3.6).
_REFUSED: Final = frozenset({b"content-length", b"transfer-encoding", b"upgrade", b"expect", b"te", b"trailer"})


def read_connect(head: bytes) -> Target:
    """Return where a request wants to go; ``head`` ends with the empty line.

    Raises:
        FaultyInputError: ``proxy_request_malformed``, ``proxy_method``, ``egress_malformed``, ``egress_ip_literal``.
    """
    if len(head) > MAX_HEAD or not head.endswith(END) or head.count(b"\n") != head.count(b"\r\n"):
        raise _malformed("its head is too long or its lines end wrongly")
    line, *headers = head[: -len(END)].split(b"\r\n")
    found = _LINE.match(line)
    if found is None:
        if re.match(rb"[A-Z]{1,16} ", line) and not line.startswith(b"CONNECT "):
            raise FaultyInputError("proxy_method", "the proxy knows CONNECT only")
        raise _malformed("its first line is no CONNECT")
    if len(headers) > MAX_HEADERS:
        raise _malformed("it has too many headers")
    target = parse_target(found[1].decode("ascii").lower())
    _check_headers(headers, target)
    return target


def _check_headers(lines: list[bytes], target: Target) -> None:
    hosts = []
    for line in lines:
        found = _HEADER.match(line)
        if found is None:
            raise _malformed("one of its headers is malformed")
        name = found[1].lower()
        if name in _REFUSED:
            raise _malformed("it carries a body")
        if name == b"host":
            hosts.append(found[2].strip().decode("ascii").lower())
    if len(hosts) > 1 or (hosts and hosts[0] not in (str(target), target.host)):
        raise FaultyInputError("proxy_request_malformed", "`Host` names another place than `CONNECT`")


def _malformed(why: str) -> FaultyInputError:
    return FaultyInputError("proxy_request_malformed", f"the request is malformed: {why}")
