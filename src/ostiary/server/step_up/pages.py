"""The pages that people see, and the two files that they load.

1. No inline script or style, nothing from elsewhere, no frames: see ``CSP``. Templates escape everything.
2. They say what, for whom, why and how to go on; never a score or a signal that an attacker could tune against.
3. What is unknown, over, or another tenant's is one page with one text.
4. Names that come from outside are shown without control and direction characters, and no longer than a line or two.
"""

from datetime import UTC, datetime
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from ostiary.identity.webauthn.ports import Invitation
from ostiary.identity.webauthn.types import RelyingParty
from ostiary.keys import sha256_hex
from ostiary.server.step_up.asked import Asked
from ostiary.server.step_up.denied import Denied
from ostiary.server.step_up.origins import may_return
from ostiary.server.wire import Reply

STATIC: Final = "/static/step-up/"
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS: Final = tuple(
    (name.encode(), value.encode())
    for name, value in {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": CSP,
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "publickey-credentials-get=(self), publickey-credentials-create=(self), "
        "camera=(), geolocation=(), microphone=()",
    }.items()
)
_KINDS: Final = {"css": b"text/css; charset=utf-8", "js": b"text/javascript; charset=utf-8"}
_FILES: Final = ("step-up.css", "step-up.js")
_SHOWN: Final = 300
_NS: Final = 1_000_000_000


def shown(text: str) -> str:
    """Return ``text`` for a person: without characters that hide or turn others, and of bearable length.

    >>> shown("good" + chr(0x202E) + "live")
    'good\ufffdlive'
    """
    clean = "".join(c if c.isprintable() else "\ufffd" for c in text[:_SHOWN])
    return clean + "…" if len(text) > _SHOWN else clean


@cache
def static_files() -> dict[str, Reply]:
    """Return the pages' files by path; the path holds their digest, so that they may be kept for ever."""
    found = {}
    for name in _FILES:
        body = files(__package__).joinpath("static", name).read_bytes()
        kind = (b"content-type", _KINDS[name.rpartition(".")[2]])
        kept = (b"cache-control", b"public, max-age=31536000, immutable")
        alone = (b"cross-origin-resource-policy", b"same-origin")
        found[f"{STATIC}{sha256_hex(body)[:16]}/{name}"] = Reply(200, body, (kind, kept, alone))
    return found


class Pages:
    """Renders the pages of one server."""

    def __init__(self, party: RelyingParty, base: str, return_origins: tuple[str, ...]) -> None:
        """Take who we are, below which address the pages are, and where they may lead back to."""
        self._party = party
        self._return_origins = return_origins
        prefix = urlsplit(base).path
        self._css, self._js = (prefix + path for path in static_files())

    def step_up(self, asked: Asked, *, has_passkey: bool, return_to: str, now_ns: int) -> Reply:
        """Return the page that asks a person to confirm."""
        back = may_return(return_to, self._return_origins)
        kind, _, name = asked.subject.partition(":")
        return self._render(
            "step_up.html",
            js=self._js,
            why=shown(asked.why),
            how=[shown(text) for text in asked.how],
            subject=shown(name),
            subject_type="" if kind == "user" else shown(kind),
            action=shown(asked.action),
            resource=shown(asked.resource_id),
            resource_type=shown(asked.resource_type),
            address=shown(asked.address),
            tenant=asked.tenant,
            decision_id=asked.decision_id,
            has_passkey=has_passkey,
            return_to=back,
            return_host=urlsplit(back).hostname or "",
            **moment("asked", asked.asked_ns),
            **moment("until", asked.expires_ns),
            expires_in_s=_seconds(asked.expires_ns - now_ns),
        )

    def enrol(self, invitation: Invitation, *, count: int, now_ns: int, sign_in: str = "") -> Reply:
        """Return the page that adds a passkey; ``sign_in`` is where a person of the console goes on with it."""
        kind, _, name = invitation.subject.partition(":")
        return self._render(
            "enrol.html",
            js=self._js,
            subject=shown(name),
            subject_type="" if kind == "user" else shown(kind),
            tenant=invitation.tenant,
            rp_id=self._party.rp_id,
            count=count,
            sign_in=sign_in,
            suggestion=f"Passkey of {datetime.fromtimestamp(now_ns / _NS, UTC):%-d %B %Y}",
            **moment("until", invitation.expires_ns),
            expires_in_s=_seconds(invitation.expires_ns - now_ns),
        )

    def denied(self, denied: Denied) -> Reply:
        """Return the page that says why something was denied."""
        how = [shown(text) for text in denied.how]
        return self._render(
            "denied.html", why=shown(denied.why), how=how, ended=denied.ended, decision_id=denied.decision_id
        )

    def nothing_denied(self) -> Reply:
        """Return the page for every link that leads to no denial of the last day, whatever else there is."""
        return msgspec.structs.replace(self._render("denied_unknown.html"), status=404)

    def unknown(self) -> Reply:
        """Return the page for all that is not there, or not any more."""
        return msgspec.structs.replace(self._render("unknown.html"), status=404)

    @cached_property
    def _templates(self) -> Any:
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - no decision needs it

        loader = PackageLoader(__package__, "templates")
        return Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    def _render(self, name: str, **told: Any) -> Reply:
        text: str = self._templates.get_template(name).render(party=self._party.name, css=self._css, **told)
        return Reply(200, text.encode(), HEADERS)


def moment(name: str, at_ns: int) -> dict[str, str]:
    """Return a moment for machines and for people, as ``NAME_stamp`` and ``NAME_words``."""
    moment = datetime.fromtimestamp(at_ns // _NS, UTC)
    return {f"{name}_stamp": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), f"{name}_words": f"{moment:%-d %B %Y, %H:%M} UTC"}


def _seconds(left_ns: int) -> int:
    """Return whole seconds, rounded up: a page must not say that time is over before it is."""
    return max(0, -(-left_ns // _NS))
