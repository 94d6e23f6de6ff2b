"""The load: enforcement points that ask, administrators who end sessions and change things, and some who pry."""

import itertools
import threading
import time
from collections.abc import Callable
from random import Random
from typing import Any, Final

from benchmarks.faults.bookkeeper import Bookkeeper
from benchmarks.faults.deployment import Door, NoAnswerError, Told
from benchmarks.faults.scene import TENANTS, Question, Scene
from typing_extensions import override

SHORT_S: Final = 6.0
AWAY_S: Final = 0.2
END_SHARE: Final = 0.5
REMOVE_FROM: Final = 0.9
MOST_ENDED: Final = 400
_OK, _CREATED, _EMPTY, _FAULT = 200, 201, 204, 500
_DENIED: Final = {200, 400, 401, 403, 404, 408, 409, 413, 429, 431, 503}


class Caller(threading.Thread):
    """Does one thing again and again until told to stop; what it could not do it forgets."""

    def __init__(self, act: Callable[[], None], books: Bookkeeper, pause_s: float, stop: threading.Event) -> None:
        """Call ``act`` with a pause in between."""
        super().__init__(daemon=True)
        self._act, self._books, self._pause_s, self._stop_now = act, books, pause_s, stop
        self.fault: BaseException | None = None

    @override
    def run(self) -> None:
        """Act; a connection that breaks is opened again by whoever holds it."""
        while not self._stop_now.wait(self._pause_s):
            try:
                self._act()
            except NoAnswerError:
                self._books.unanswered()
                self._stop_now.wait(AWAY_S)
            except Exception as fault:  # noqa: BLE001 - a bug of ours ends the campaign, seen by whoever looks next
                self.fault = fault
                return


class Asker:
    """An enforcement point of one tenant."""

    _numbers = itertools.count(1)

    def __init__(self, scene: Scene, books: Bookkeeper, door: Door, tenant: str) -> None:
        """Ask what ``scene`` says through ``door``."""
        self._scene, self._books, self._door, self._tenant = scene, books, door, tenant

    def everyday(self) -> None:
        """Ask one everyday question."""
        self.ask(self._scene.everyday(self._tenant))

    def ask(self, question: Question) -> dict[str, Any]:
        """Ask one question and have the answer written down."""
        request_id = f"ask-{next(self._numbers)}"
        sent = time.monotonic()
        answer = self._door.call("POST", "/access/v1/evaluation", question.body, request_id)
        told = _members(answer)
        self._books.answered(question, request_id, sent, answer.status, told)
        return told


class Ender:
    """An administrator of one tenant who ends sessions and subjects, and the same people who try again afterwards."""

    def __init__(self, scene: Scene, books: Bookkeeper, asker: Asker, door: Door, tenant: str, chance: Random) -> None:
        """End sessions through ``door``, try again through ``asker``."""
        self._scene, self._books, self._asker, self._door = scene, books, asker, door
        self._tenant, self._chance = tenant, chance
        self._gone: list[Question] = []
        self._peps = itertools.count(1)

    def act(self) -> None:
        """Try something that ended before; now and then end somebody, or change who may ask."""
        if self._gone:
            self._asker.ask(self._chance.choice(self._gone))
        dice = self._chance.random()
        if dice < END_SHARE and len(self._gone) < MOST_ENDED:
            self._end(whole_subject=dice < END_SHARE / 3)
        elif dice > REMOVE_FROM:
            self._add_and_remove()

    def _end(self, *, whole_subject: bool) -> None:
        question = self._scene.victim(self._tenant)
        if self._asker.ask(question).get("decision") is not True:
            return
        if whole_subject:
            body = {"type": "user", "id": question.subject, "reason": "campaign"}
            answer = self._door.call("POST", f"/api/v1/tenants/{self._tenant}/subjects/revoke", body)
        else:
            handle = self._handle(question)
            if not handle:
                return
            path = f"/api/v1/tenants/{self._tenant}/sessions/{handle}/terminate"
            answer = self._door.call("POST", path, {"reason": "campaign"})
        if answer.status == _OK:
            names = [question.session, *([f"{self._tenant}/{question.subject}"] if whole_subject else [])]
            self._books.ended(*names)
            self._books.acted(answer.json()["record_id"])
            kind = "revoked_subject" if whole_subject else "ended_session"
            self._gone.append(self._scene.again(question, kind))

    def _handle(self, question: Question) -> str:
        """Return the handle of the session that a question began, or an empty string."""
        listed = self._door.call("GET", f"/api/v1/tenants/{self._tenant}/sessions?subject=user:{question.subject}")
        rows = listed.json() if listed.status == _OK else []
        return next((str(row["handle"]) for row in rows), "")

    def _add_and_remove(self) -> None:
        name = f"passing-{self._tenant}-{next(self._peps)}"
        made = self._door.call("POST", f"/api/v1/tenants/{self._tenant}/peps", {"pep_id": name})
        if made.status != _CREATED:
            return
        gone = self._door.call("DELETE", f"/api/v1/tenants/{self._tenant}/peps/{name}")
        if gone.status != _EMPTY:
            return
        door = Door(self._door.port, made.json()["api_key"], SHORT_S)
        question = self._scene.question("removed_pep", self._tenant, "dev-1", f"{self._tenant}-dev-1")
        try:
            Asker(self._scene, self._books, door, self._tenant).ask(question)
        finally:
            door.close()


class Snoop:
    """An administrator of one tenant who looks at its decisions, and pries for those of the other."""

    def __init__(self, books: Bookkeeper, door: Door, tenant: str) -> None:
        """Look through ``door``."""
        self._books, self._door, self._tenant = books, door, tenant
        self._other = TENANTS[1 - TENANTS.index(tenant)]

    def act(self) -> None:
        """Look at the newest decisions, and at one of the other tenant."""
        base = f"/api/v1/tenants/{self._tenant}"
        for path in (f"{base}/decisions?limit=50", f"{base}/decisions?limit=50&effect=ALLOW"):
            listed = self._door.call("GET", path)
            if listed.status == _OK:
                self._books.shown(self._tenant, [row["id"] for row in listed.json()["decisions"]])
        foreign = self._books.owned(self._other)
        if foreign:
            self._compare(f"{base}/decisions/{foreign}", f"{base}/decisions/dec_00000000000000000000000000")
            self._compare(f"/api/v1/tenants/{self._other}/decisions", "/api/v1/tenants/nobody/decisions")

    def _compare(self, foreign: str, unknown: str) -> None:
        told = self._door.call("GET", foreign).status
        known = self._door.call("GET", unknown).status
        if told < _FAULT and known < _FAULT:
            self._books.hidden(self._tenant, foreign, told, known)


def _members(answer: Told) -> dict[str, Any]:
    """Return the answer's members; what is no object says nothing and allows nothing."""
    if answer.status not in _DENIED:
        return {"status": answer.status}
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
