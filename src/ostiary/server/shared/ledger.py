"""Sessions of one replica that hears of the others' before it decides.

What fell at any replica, before a question was asked here, is known to the answer: the word of it is read with each
question, and the store is read when it is another than the last time. Without Valkey the store is asked each time.
"""

from collections.abc import Callable

from typing_extensions import override

from ostiary.errors import UnavailableError
from ostiary.sessions import SessionLedger, SessionSettings, SessionStore
from ostiary.sessions.standing import Asked, Standing
from ostiary.storage.valkey.news import News


class FreshLedger(SessionLedger):
    """A ``SessionLedger`` that catches up with each question; safe for several threads."""

    def __init__(
        self,
        store: SessionStore,
        settings: SessionSettings,
        on_fault: Callable[[str, BaseException], None],
        news: News,
    ) -> None:
        """Take the store, and what tells of others' changes to it."""
        super().__init__(store, settings, on_fault)
        self._news = news
        self._seen: dict[str, bytes] = {}

    @override
    def standing(self, asked: Asked) -> Standing:
        self.catch_up(asked.tenant)
        return super().standing(asked)

    def catch_up(self, tenant: str) -> None:
        """Read what others stored, if there is anything.

        Raises:
            UnavailableError: neither Valkey nor the store can be asked: nothing may be decided.
        """
        try:
            word = self._news.word(tenant)
        except UnavailableError:
            self.reload()
            return
        if word != self._seen.get(tenant):
            self.reload()
            self._seen[tenant] = word  # read before the store was: what came meanwhile has another word
