"""What the console says when it does not do what was asked: as a page, or as JSON to its own script.

1. What is not there, and what is another tenant's, is one page with one text.
2. A denial names the decision, the sentence of the rule, and what would help; never a score.
3. Where a confirmation would help, the page leads to it, and its script asks for it on the spot.
"""

from typing import Any, Final
from urllib.parse import quote

from ostiary.console.rendering import Viewer
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.server.console.replying import answer, sentence
from ostiary.server.console.signed_in import SignedIn
from ostiary.server.console.visit import Shared
from ostiary.server.doors.turned_away import STEP_UP
from ostiary.server.wire import Reply, json_reply

UNSIGNED: Final = json_reply(401, {"code": "console_not_signed_in", "message": "sign in first", "sign_in": "/sign-in"})
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
        decision, confirm = str(told.get("decision_id", "")), ""
        if told.get("code") == STEP_UP and decision:
            confirm = f"/step-up/{who.session.tenant}/{decision}"
        if wants_json:
            return json_reply(reply.status, {**told, "confirm": confirm})
        back = quote(f"{self._shared.desk.base_url}{path}", safe="")
        return self._page(
            "denied.html",
            who,
            reply.status,
            message=told.get("message", ""),
            remediation=_several(told.get("remediation", ())),
            decision_id=decision,
            confirm=f"{confirm}?return_to={back}" if confirm else "",
        )

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
