"""The page on which people agree, or do not, and the two files that it loads.

1. The same policy as step-up's pages: nothing inline, nothing from elsewhere, no frames, Trusted Types.
2. It shows what changes, who asks and why, what it is bound to, the words of its digest, and who has said what.
3. Whoever cannot decide sees no button, and why. The page decides nothing: each answer is judged when it comes.
"""

from collections.abc import Sequence
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from ostiary.approvals.deciding import Hand
from ostiary.approvals.people import Law
from ostiary.approvals.standing import Standing, Voice
from ostiary.identity.webauthn.types import RelyingParty
from ostiary.keys import sha256_hex
from ostiary.server.approving.changes import changes_of
from ostiary.server.step_up.pages import HEADERS, moment, static_files
from ostiary.server.wire import Reply

STATIC: Final = "/static/approvals/"
_KINDS: Final = {"css": b"text/css; charset=utf-8", "js": b"text/javascript; charset=utf-8"}
_FILES: Final = ("approve.css", "approve.js")
_STATES: Final = {
    "approved": "Enough people have agreed",
    "expired": "The time to agree is over",
    "rejected": "People have said no",
    "used": "It is done",
    "void": "The rule has changed: it must be proposed anew",
    "withdrawn": "It was withdrawn",
}


@cache
def approval_files() -> dict[str, Reply]:
    """Return the page's own files by path; the path holds their digest, so that they may be kept for ever."""
    found = {}
    for name in _FILES:
        body = files(__package__).joinpath("static", name).read_bytes()
        kind = (b"content-type", _KINDS[name.rpartition(".")[2]])
        kept = (b"cache-control", b"public, max-age=31536000, immutable")
        alone = (b"cross-origin-resource-policy", b"same-origin")
        found[f"{STATIC}{sha256_hex(body)[:16]}/{name}"] = Reply(200, body, (kind, kept, alone))
    return found


class Pages:
    """Renders the page of one server."""

    def __init__(self, party: RelyingParty, base: str) -> None:
        """Take who we are, and below which address the page is."""
        self._party = party
        prefix = urlsplit(base).path
        self._base_css = prefix + next(iter(static_files()))
        self._css, self._js = (prefix + path for path in approval_files())

    def proposal(
        self, standing: Standing, law: Law, hand: Hand | None, why_not: str, people: Sequence[str], now_ns: int
    ) -> Reply:
        """Return the page of a proposal.

        Args:
            standing: the proposal.
            law: people and rules in force.
            hand: as whom somebody has come, ``None`` when he has not said so.
            why_not: why that one cannot agree, empty when he can.
            people: whose yes would count.
            now_ns: the time.
        """
        one = standing.proposal
        pairs, evidence = changes_of(one, law)
        return self._render(
            "approve.html",
            js=self._js,
            kind=shown(one.kind),
            target=shown(one.target),
            why=shown(one.why),
            proposer=shown(one.proposer),
            authors=[shown(name) for name in one.authors],
            changes=[tuple(map(shown, pair)) for pair in pairs],
            evidence=[tuple(map(shown, pair)) for pair in evidence],
            words=one.words,
            digest=one.digest,
            tenant=one.tenant,
            proposal_id=one.proposal_id,
            headline=_STATES.get(standing.state) or f"{standing.tally.words[:1].upper()}{standing.tally.words[1:]}",
            state=standing.state,
            agreed=len(standing.tally.agreed),
            needed=standing.tally.needed,
            voices=[_voice(voice) for voice in standing.voices],
            people=[{"name": shown(name), "link": "?" + urlencode({"as": name})} for name in people],
            hand=hand,
            signer=shown(hand.signer) if hand else "",
            person=shown(hand.person) if hand else "",
            why_not=f"{why_not[:1].upper()}{why_not[1:]}",
            early=now_ns < one.not_before_ns,
            **moment("asked", one.created_ns),
            **moment("begins", one.not_before_ns),
            **moment("until", one.expires_ns),
            expires_in_s=max(0, -(-(one.expires_ns - now_ns) // 1_000_000_000)),
        )

    def unknown(self) -> Reply:
        """Return the page for all that is not there, or another tenant's."""
        found = self._render("nothing.html")
        return Reply(404, found.body, found.headers)

    @cached_property
    def _templates(self) -> Any:
        from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - no decision needs it

        ours = PackageLoader(__package__, "templates")
        both = ChoiceLoader([ours, PackageLoader("ostiary.server.step_up", "templates")])
        return Environment(
            loader=both, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    def _render(self, name: str, **told: Any) -> Reply:
        styles = {"css": self._base_css, "own_css": self._css}
        text: str = self._templates.get_template(name).render(party=self._party.name, **styles, **told)
        return Reply(200, text.encode(), HEADERS)


def shown(text: str) -> str:
    """Return ``text`` whole, without characters that hide or turn others: what is cut off could not be judged."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _voice(one: Voice) -> dict[str, str]:
    return {
        "person": shown(one.person),
        "signer": "" if one.signer == one.person else shown(one.signer),
        "decision": one.decision,
        "void": one.void,
        **moment("at", one.at_ns),
    }
