"""Where a run may call: exact names and ports, given by policy; whoever asks can only ask for fewer.

- A name is a DNS name in ASCII, lower case, without a dot at the end; never an address. There are no patterns: a
  wildcard would let data leave as labels of a name.
- A rule can pin the addresses of its name. Only a pinned address may be private, loopback or link-local.

>>> granted = read_rules([{"host": "registry.example", "port": 443}, {"host": "logs.example", "port": 8443}])
>>> [str(rule) for rule in narrow(granted, [parse_target("logs.example:8443")])]
['logs.example:8443']
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from typing_extensions import override

from ostiary.errors import FaultyInputError, RefusedError

MAX_RULES: Final = 64
MAX_NAME: Final = 253
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}\Z")
_MAX_PORT: Final = 65_535
# A host whose last label is a number is an address to some resolver (WHATWG URL §3.5).
_WITH_COLONS: Final = re.compile(r"[0-9a-fA-F:.%]*:[0-9a-fA-F:.%]*\Z")
_NUMBER: Final = re.compile(r"(?:[0-9]+|0[xX][0-9a-fA-F]*)\Z")
_MAX_ADDRESSES: Final = 16


class Target(msgspec.Struct, frozen=True, order=True):
    """One place to call: a name and a port."""

    host: str
    port: int

    @override
    def __str__(self) -> str:
        """Write it as ``host:port``."""
        return f"{self.host}:{self.port}"


class EgressRule(msgspec.Struct, frozen=True):
    """What policy lets through; ``kind`` says what for, ``addresses`` pins where the name leads."""

    host: str
    port: int
    kind: str = ""
    addresses: tuple[str, ...] = ()

    @property
    def target(self) -> Target:
        """The place that is let through."""
        return Target(self.host, self.port)

    @override
    def __str__(self) -> str:
        """Write it as ``host:port``."""
        return str(self.target)


def parse_target(text: str) -> Target:
    """Read ``host:port``.

    Raises:
        FaultyInputError: ``egress_malformed``, ``egress_ip_literal``.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not _PORT.match(port) or int(port) > _MAX_PORT:
        raise FaultyInputError("egress_malformed", f"`{text[:80]}` is no `host:port`")
    return Target(check_name(host), int(port))


def check_name(host: str) -> str:
    """Return a DNS name as it is written here.

    Raises:
        FaultyInputError: ``egress_malformed``, ``egress_ip_literal``.
    """
    if is_address(host):
        raise FaultyInputError("egress_ip_literal", f"`{host[:80]}` is an address: egress goes to names")
    labels = host.split(".")
    if not host or len(host) > MAX_NAME or not all(_LABEL.match(label) for label in labels):
        raise FaultyInputError("egress_malformed", f"`{host[:80]}` is no DNS name in lower case")
    return host


def is_address(host: str) -> bool:
    """Return whether a host is written as an address, in any of the ways that resolvers still read (``0x7f.1``)."""
    bare = host.strip("[]")
    return _WITH_COLONS.match(bare) is not None or _NUMBER.match(bare.rstrip(".").rpartition(".")[2]) is not None


def read_rules(told: object) -> tuple[EgressRule, ...]:
    """Read the rules of policy's obligation ``egress``.

    Raises:
        FaultyInputError: ``egress_malformed``, ``egress_ip_literal``; one wrong rule spoils all.
    """
    if not isinstance(told, Sequence) or isinstance(told, str) or len(told) > MAX_RULES:
        raise FaultyInputError("egress_malformed", f"policy gives a list of at most {MAX_RULES} places to call")
    rules = {rule.target: rule for rule in (_rule(one) for one in told)}
    return tuple(rules[target] for target in sorted(rules))


def _rule(told: Any) -> EgressRule:
    try:
        rule = msgspec.convert(told, EgressRule)
    except msgspec.ValidationError as fault:
        raise FaultyInputError(
            "egress_malformed", "a rule has `host`, `port`, and may have `kind`, `addresses`"
        ) from fault
    if not 0 < rule.port <= _MAX_PORT or len(rule.addresses) > _MAX_ADDRESSES:
        raise FaultyInputError(
            "egress_malformed", f"the rule for `{rule.host[:80]}` has a wrong port or too many addresses"
        )
    check_name(rule.host)
    for address in rule.addresses:
        _check_address(address)
    return rule


def _check_address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError as fault:
        raise FaultyInputError("egress_malformed", f"`{text[:60]}` is no address") from fault


def narrow(granted: Iterable[EgressRule], asked: Iterable[Target] | None) -> tuple[EgressRule, ...]:
    """Return what a run may call: all that policy grants, or the asked part of it.

    Raises:
        RefusedError: ``egress_not_granted``: something was asked for that policy does not give.
    """
    rules = {rule.target: rule for rule in granted}
    if asked is None:
        return tuple(rules.values())
    wanted = sorted(set(asked))
    beyond = [str(target) for target in wanted if target not in rules]
    if beyond:
        text = f"policy does not let this run call `{beyond[0]}`; `--egress` can only ask for less"
        raise RefusedError("egress_not_granted", text)
    return tuple(rules[target] for target in wanted)
