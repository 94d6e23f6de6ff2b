"""Renders pages, and says what a browser may do with them.

1. Scripts only from us and with the page's nonce, styles only from us, nothing inline, no frames, Trusted Types.
   The referrer goes to us alone: a form without a script has an origin then, which is what tells it from a foreign one.
2. Templates escape everything and fail on what they are not told; ``shown`` takes out what hides or turns others.
3. A page is given plain values. It knows no store and no rights: whoever renders it has asked for both.
"""

import shlex
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

import msgspec

from ostiary.console.assets import Assets, assets
from ostiary.console.icons import icons
from ostiary.console.navigation import NAVIGATION
from ostiary.keys import new_secret

_CSP: Final = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types htmx default"
)
_PERMISSIONS: Final = (
    "publickey-credentials-get=(self), publickey-credentials-create=(self), clipboard-write=(self), "
    "camera=(), geolocation=(), microphone=()"
)
_SHOWN: Final = 300
_BASIC_PLANE: Final = 0xFFFF
_FRAME: Final[dict[str, Any]] = {
    "may": lambda _action, _area: True,
    "said": None,
    "csrf": "",
    "decision_id": "",
    "counts": {},
}


class Viewer(msgspec.Struct, frozen=True):
    """Who looks: a name to greet, a role to say, a tenant to look at."""

    name: str
    role: str
    tenant: str


class Rendered(msgspec.Struct, frozen=True):
    """One page as it goes out."""

    body: bytes
    headers: tuple[tuple[str, str], ...]


class Renderer:
    """Renders the pages of one server."""

    def __init__(self, files: Assets | None = None) -> None:
        """Take the files that pages load; the console's own when none are given."""
        self._assets = files or assets()

    def page(self, template: str, viewer: Viewer, here: str, **told: Any) -> Rendered:
        """Return a page inside the frame; ``here`` is its path in the navigation.

        The frame also reads ``may(action, area)``, ``said``, ``csrf``, ``decision_id`` and ``counts`` of ``told``.
        """
        frame = {**_FRAME, "navigation": NAVIGATION, "viewer": viewer, "here": here}
        return self.alone(template, **{**frame, **told})

    def alone(self, template: str, **told: Any) -> Rendered:
        """Return a page without the frame: signing in, and what end users see."""
        nonce = new_secret()
        text: str = self._templates.get_template(template).render(nonce=nonce, **told)
        return Rendered(text.encode(), _headers(nonce))

    @cached_property
    def _templates(self) -> Any:
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - no decision needs it

        environment = Environment(
            loader=PackageLoader(__package__, "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.update(asset=self._assets.path, icons=icons())
        environment.filters["shown"] = shown
        environment.filters["urlencode"] = part_of_an_address
        environment.filters["sh"] = for_a_shell
        return environment


def shown(text: str, most: int = _SHOWN) -> str:
    """Return ``text`` for a person: without characters that hide or turn others, and of bearable length.

    >>> shown("good" + chr(0x202E) + "live")
    'good\ufffdlive'
    """
    clean = "".join(c if c.isprintable() else "\ufffd" for c in text[:most])
    return clean + "…" if len(text) > most else clean


def part_of_an_address(text: str) -> str:
    """Return ``text`` for a path or a query; the slash has its code too, since names from outside hold some.

    >>> part_of_an_address("workload:spiffe://acme/job")
    'workload%3Aspiffe%3A%2F%2Facme%2Fjob'
    """
    return quote(text, safe="")


def _headers(nonce: str) -> tuple[tuple[str, str], ...]:
    return (
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", _CSP.format(nonce=nonce)),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", _PERMISSIONS),
        ("cache-control", "no-store"),
    )


def for_a_shell(text: str) -> str:
    r"""Return one word of a command that somebody may copy: nothing of a name is ever run, and nothing of it hides.

    >>> print(for_a_shell("user:ann"), for_a_shell("user:$(reboot)"), for_a_shell("a" + chr(0x202E) + "'b"))
    user:ann 'user:$(reboot)' $'a\u202e\'b'
    """
    return shlex.quote(text) if text.isprintable() else "$'" + "".join(map(_escaped, text)) + "'"


def _escaped(one: str) -> str:
    if one in "\\'":
        return f"\\{one}"
    if one.isprintable():
        return one
    return f"\\u{ord(one):04x}" if ord(one) <= _BASIC_PLANE else f"\\U{ord(one):08x}"
