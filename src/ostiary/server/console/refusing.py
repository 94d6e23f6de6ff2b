"""What the console says when it does not do what was asked: as a page, or as JSON to its own script.

1. What is not there, and what is another tenant's, is one page with one text.
2. A denial names the decision, the sentence of the rule, and what would help; never a score.
3. Where a confirmation would help, the page leads to it, and its script asks for it on the spot. A person of another
   provider without a passkey of ours confirms there: it is sent to sign in anew (RFC 9470).
"""

from typing import Any, Final
from urllib.parse import quote

import msgspec

from ostiary.console.rendering import Viewer
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.server.console.oidc.providers import Provider, again_path
from ostiary.server.console.replying import answer, sentence
from ostiary.server.console.signed_in import SignedIn
from ostiary.server.console.visit import Shared
from ostiary.server.doors.turned_away import STEP_UP
from ostiary.server.wire import Reply, json_reply

UNSIGNED: Final = json_reply(401, {"code": "console_not_signed_in", "message": "sign in first", "sign_in": "/sign-in"})
DEED_TYPE: Final = "application/vnd.ostiary.deed+json"
"""What the pages' own script accepts: to it, that somebody must confirm first is a step of the deed and no fault."""
_NOT_FOUND: Final = "_unknown"
_NOT_YOU: Final = "approval_proposer_unknown"  # who is unknown here is the person itself


class Refusing:
    """Makes the replies."""

    def __init__(self, shared: Shared) -> None:
        """Take what pages are made with."""
        self._shared = shared

    def unsigned(self) -> Reply:
        """Answer a script of somebody who is not signed in."""
        return UNSIGNED

    def nothing(self, who: SignedIn, methods: tuple[str, ...]) -> Reply:
        """Answer for a path that is not there, or not for this method."""
        if methods:
            allow = (b"allow", ", ".join(methods).encode("ascii"))
            return json_reply(405, {"code": "method_not_allowed", "message": f"use {' or '.join(methods)}"}, allow)
        return self._page("nothing.html", who, 404)

    def failed(self, no: OstiaryError, who: SignedIn | None, *, wants_json: bool) -> Reply:
        """Answer for what a page or a deed could not do."""
        status = _status(no)
        if wants_json or who is None:
            return json_reply(status, {"code": no.code, "message": sentence(no.message)})
        if status == 404:  # noqa: PLR2004
            return self._page("nothing.html", who, 404)
        return self._page("failed.html", who, status, message=sentence(no.message), code=no.code)

    def turned_away(
        self, reply: Reply, told: dict[str, Any], who: SignedIn | None, path: str, *, wants_json: bool
    ) -> Reply:
        """Answer for what the decision did not allow."""
        if who is None:
            return reply
        decision, confirm, again = str(told.get("decision_id", "")), "", None
        if told.get("code") == STEP_UP and decision:
            again = self._provider_of(who)
            confirm = "" if again else f"/step-up/{who.session.tenant}/{decision}"
        if wants_json:
            there = {"sign_in": again_path(again.section.name)} if again else {}
            return json_reply(reply.status, {**told, "confirm": confirm, **there})
        back = quote(f"{self._shared.desk.base_url}{path}", safe="")
        return self._page(
            "denied.html",
            who,
            reply.status,
            message=told.get("message", ""),
            remediation=_several(told.get("remediation", ())),
            decision_id=decision,
            confirm=f"{confirm}?return_to={back}" if confirm else "",
            again=f"{again_path(again.section.name)}?next={quote(path, safe='/')}" if again else "",
            provider=again.title if again else "",
        )

    def _provider_of(self, who: SignedIn) -> Provider | None:
        """Return where a person confirms who has no passkey of ours."""
        vouched, desk = who.session.vouched, self._shared.desk
        if vouched is None or desk.house.store.authenticators.of_subject(who.session.tenant, who.session.subject):
            return None
        return self._shared.providers.find(vouched.name)

    def _page(self, template: str, who: SignedIn, status: int, **told: Any) -> Reply:
        viewer = Viewer(who.person.name, ", ".join(who.person.roles), who.session.tenant)
        frame: dict[str, Any] = {
            "may": lambda _action, _area: True,
            "said": None,
            "csrf": "",
            "decision_id": "",
            **told,
        }
        return answer(self._shared.renderer.page(template, viewer, "", **frame), status)


def asked_back(reply: Reply) -> Reply:
    """Return the answer to a deed by a page's script: where a confirmation would help, it is a plain answer.

    A browser writes every other status into its console as an error, and there nothing has gone wrong.
    """
    told = msgspec.json.decode(reply.body)
    return msgspec.structs.replace(reply, status=200) if told.get("confirm") or told.get("sign_in") else reply


def _status(no: OstiaryError) -> int:
    if isinstance(no, UnavailableError):
        return 503
    if isinstance(no, FaultyInputError):
        return 400
    if no.code.endswith(_NOT_FOUND) and no.code != _NOT_YOU:
        return 404
    not_allowed = no.code.startswith("console_") or no.code == _NOT_YOU
    return 403 if isinstance(no, RefusedError) and not_allowed else 409


def _several(told: object) -> list[str]:
    return [str(one) for one in told] if isinstance(told, list | tuple) else [str(told)] if told else []
