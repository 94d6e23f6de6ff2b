"""Whether a caller may go on hearing a stream: asked anew while it runs."""

from collections.abc import Callable

import msgspec

from ostiary.decision.decide import known_of, why_over
from ostiary.errors import OstiaryError
from ostiary.keys import random_bytes
from ostiary.server.doors import Asked, Caller
from ostiary.server.doors.keeper import request_of
from ostiary.server.wiring import House
from ostiary.sessions import SessionState
from ostiary.vocabulary.entities import Receipt
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id


class Standing:
    """One caller's; calling it tells whether it is over. In doubt it is."""

    def __init__(self, house: House, caller: Caller, draining: Callable[[], bool]) -> None:
        """Look at the session as it is now."""
        self._house = house
        self._caller = caller
        self._draining = draining
        now_ns = house.clock.now_ns()
        receipt = Receipt(make_id("dec", now_ns, random_bytes(RANDOM_BYTES)), now_ns, caller.ip, None)
        request = request_of(caller, Asked("mcp.listen", "mcp_server", ""))
        self._asked = known_of(house.decider.parts, receipt, request, caller.identity).asked
        self._before = house.ledger.standing(self._asked)

    def __call__(self) -> bool:
        """Return whether the caller's token, session or tenant is over, or must step up since."""
        now_ns = self._house.clock.now_ns()
        if self._draining() or self._caller.identity.expires_ns <= now_ns:
            return True
        try:
            if self._house.tenants.find(self._caller.tenant) is None:
                return True
            standing = self._house.ledger.standing(msgspec.structs.replace(self._asked, now_ns=now_ns))
        except OstiaryError:
            return True
        raised = standing.state is SessionState.STEP_UP and self._before.state is not SessionState.STEP_UP
        return raised or why_over(standing) is not None
