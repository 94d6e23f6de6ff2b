"""The story ``stolen-session``: somebody goes on with a developer's session, with another key, from another continent.

Told in acts: her own work with a token bound to her key, the token without the key, the session with a key of the
thief's own, what became of the session everywhere, and how she goes on. The answers are the server's.
"""

from typing import Any, Final

import msgspec

from ostiary.cli.demo.scene import PHISHING_RESISTANT, Scene
from ostiary.testing.issuer import FakeHolder

NAME: Final = "stolen-session"
LEARNED: Final = False
SENTENCE: Final = "somebody goes on with a developer's session, with another key, from another continent"


class Play:
    """One performance."""

    def __init__(self, scene: Scene) -> None:
        """Take where it plays."""
        self._scene = scene
        self._teller = scene.teller
        story = scene.stage.organisation.story(NAME)
        self._sentence = story.sentence
        self._own, *self._theirs = story.events
        self._dana, self._thief = FakeHolder(), FakeHolder()

    def perform(self) -> bool:
        """Play it; return whether the session ended, for everybody."""
        token = self._work()
        bare = self._bare(token)
        stolen = self._stolen()
        after = self._after(token)
        again = self._again()
        self._scene.explain(stolen["context"]["id"])
        self._scene.verify(stolen["context"]["id"])
        effects = [answer["context"]["effect"] for answer in (bare, stolen, after)]
        return effects == ["DENY", "TERMINATE", "DENY"] and again["decision"] is True

    def _work(self) -> str:
        self._teller.act("Her own work")
        own = self._own
        self._teller.say(
            f"{own.subject_id} asks to {own.action} {own.resource_type} {own.resource_id} from the office. Her token "
            "is bound to a key that never leaves her machine (DPoP), and her application proves that it holds it:\n"
        )
        token = self._scene.token(own, PHISHING_RESISTANT, 60, self._dana)
        self._teller.show("own", self._scene.ask(own, token, self._dana))
        return token

    def _bare(self, token: str) -> dict[str, Any]:
        self._teller.act("The token is stolen")
        self._teller.say(f"{self._sentence[:1].upper()}{self._sentence[1:]}. First with her token as it is:\n")
        return self._shown("token_without_key", self._scene.ask(self._theirs[0], token))

    def _stolen(self) -> dict[str, Any]:
        self._teller.act("The session is stolen")
        self._teller.say(
            "Then with a token of the same session that the issuer was talked into binding to the thief's own key. "
            "Token and proof are good:\n"
        )
        event = msgspec.structs.replace(self._theirs[0], client_id=self._own.client_id)
        token = self._scene.token(event, PHISHING_RESISTANT, 60, self._thief)
        return self._shown("stolen", self._scene.ask(event, token, self._thief))

    def _after(self, token: str) -> dict[str, Any]:
        self._teller.act("It has ended, for everybody")
        self._teller.say("Nobody goes on with that session, whoever shows which key. Hers, a moment later:\n")
        answer = self._shown("own_afterwards", self._scene.ask(self._own, token, self._dana))
        self._teller.say("")
        self._teller.run("ended", "session", "list", "--ended", "--data", self._scene.data)
        return answer

    def _again(self) -> dict[str, Any]:
        self._teller.act("She signs in again")
        self._teller.say("A new session, bound to her key again:\n")
        event = msgspec.structs.replace(self._own, session_id=f"{self._own.subject_id}-anew")
        token = self._scene.token(event, PHISHING_RESISTANT, 1, self._dana)
        return self._shown("own_again", self._scene.ask(event, token, self._dana))

    def _shown(self, name: str, answer: dict[str, Any]) -> dict[str, Any]:
        self._teller.show(name, answer)
        return answer


def perform(scene: Scene) -> bool:
    """Play it on ``scene``; return whether all went as told."""
    return Play(scene).perform()
