"""One request of one person, after the decision said yes: what a page may use, and how it answers.

- A page calls the functions of the administrators' API with ``who`` and ``tenant``: what it shows is what the API
  tells, and a deed leaves the same record, by the person's own name.
- A deed ends in ``done``: the browser goes on to another page, which says once what was done.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from ostiary.console.rendering import Renderer, Viewer
from ostiary.identity.browsing import BrowserSession
from ostiary.keys import sha256_hex
from ostiary.server.admin.context import Office
from ostiary.server.admins import EVERY_TENANT, Administrator
from ostiary.server.console.needs import Needs
from ostiary.server.console.oidc.providers import Providers
from ostiary.server.console.people import ConsolePerson
from ostiary.server.console.replying import answer
from ostiary.server.console.said import Said, say_cookie
from ostiary.server.console.streams import Streams
from ostiary.server.console.watching import Watching
from ostiary.server.desk import FaceDesk
from ostiary.server.wire import Reply, json_reply
from ostiary.server.wiring import House

_CSRF: Final = b"ostiary/console/csrf/v1\0"
Headers = tuple[tuple[bytes, bytes], ...]


class Shared(msgspec.Struct, frozen=True):
    """What all visits of one server share."""

    desk: FaceDesk
    office: Office
    renderer: Renderer
    needs: Needs
    streams: Streams
    providers: Providers


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One request of one person.

    Attributes:
        told: the parts of the path that the route names, decoded; nothing else is known of them.
        query: the members of the query string.
        form: the fields of a form, empty for ``GET``.
        decision_id: the decision that let it pass.
        rights: what the person may see in the navigation: action to areas. It decides nothing.
        wants_json: whether the browser's script waits for the answer.
        said: what the page before has to say.
        watching: what a stream of events must know of its reader.
    """

    shared: Shared
    session: BrowserSession
    person: ConsolePerson
    csrf: str
    path: str
    told: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    decision_id: str
    rights: Mapping[str, frozenset[str]]
    wants_json: bool = False
    said: Said | None = None
    watching: Watching | None = None

    @property
    def house(self) -> House:
        """All rooms, open."""
        return self.shared.desk.house

    @property
    def desk(self) -> Office:
        """What functions of the administrators' API work with."""
        return self.shared.office

    @property
    def tenant(self) -> str:
        """Whose pages these are."""
        return self.session.tenant

    @property
    def who(self) -> Administrator:
        """The person as functions of the administrators' API know who acts; the name goes into the log."""
        tenant = EVERY_TENANT if self.person.deployment else self.tenant
        return Administrator(self.person.subject, tenant)

    @property
    def own_names(self) -> frozenset[str]:
        """Subjects that are the person itself: what is about them is hidden from it, and not judged by it."""
        return self.session.names

    @property
    def now_ns(self) -> int:
        """The time."""
        return self.house.clock.now_ns()

    def may(self, action: str, area: str) -> bool:
        """Return whether a button is worth showing; whether it works is decided when it is pressed."""
        if area == "deployment" and not self.person.deployment:
            return False
        return bool({area, "*"} & self.rights.get(action, frozenset()))

    def page(self, template: str, here: str, status: int = 200, **told: Any) -> Reply:
        """Return a page inside the frame; ``here`` is its path in the navigation."""
        viewer = Viewer(self.person.name, ", ".join(self.person.roles), self.tenant)
        rendered = self.shared.renderer.page(
            template,
            viewer,
            here,
            csrf=self.csrf,
            may=self.may,
            said=self.said,
            decision_id=self.decision_id,
            counts=self.shared.needs.of(self),
            **told,
        )
        return answer(rendered, status)

    def part(self, template: str, **told: Any) -> Reply:
        """Return a part of a page."""
        return answer(self.shared.renderer.alone(template, csrf=self.csrf, may=self.may, **told))

    def done(self, path: str, words: str) -> Reply:
        """Return the answer to a deed: go to ``path``, and be told ``words`` there."""
        said = say_cookie(Said(words))
        if self.wants_json:
            return json_reply(200, {"go": path}, said)
        return Reply(303, b"", ((b"location", quote(path, safe="/?&=:%,").encode("ascii")), said))

    def elsewhere(self, path: str) -> Reply:
        """Return the way to another page."""
        return Reply(303, b"", ((b"location", quote(path, safe="/?&=:%,").encode("ascii")),))

    def once(self, title: str, secret: str) -> Reply:
        """Return the answer to a deed that made a secret: it is shown this once."""
        if self.wants_json:
            return json_reply(200, {"once": {"title": title, "text": secret}})
        return self.page("once.html", "", title=title, secret=secret)


def csrf_of(secret: str) -> str:
    """Return what the forms of a session carry: made from the cookie's secret, which it does not give away."""
    return sha256_hex(_CSRF + secret.encode())
