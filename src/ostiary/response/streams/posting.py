"""What every receiver behind a URL shares: one POST to an allowed address, and what its answer means for the events.

Rules:

- 2xx arrived. 400, 413 and 422 are about these very events, which will never be taken. Everything else, a redirect and
  a refused login included, is about the receiver: it is tried again, and nothing is lost.
- Where it may connect, and how much of an answer is read, is ``response.ssf.sending``'s word.
"""

from collections.abc import Mapping
from typing import Final

from ostiary.errors import RefusedError, UnavailableError
from ostiary.response.ssf.sending import Answer, Post
from ostiary.response.streams.event import REFUSED

ABOUT_THE_EVENTS: Final = frozenset({400, 413, 422})
_SUCCESS: Final = range(200, 300)


def posted(post: Post, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send one POST and return the answer to it, which is a success.

    Raises:
        RefusedError: ``event_refused``; ``address_refused`` for where the name leads.
        UnavailableError: ``receiver_away``, ``receiver_busy``.
    """
    answer = post(url, body, {"user-agent": "ostiary", **headers})
    if answer.status in _SUCCESS:
        return answer
    if answer.status in ABOUT_THE_EVENTS:
        raise RefusedError(REFUSED, f"the receiver answered {answer.status}")
    raise UnavailableError("receiver_busy", f"the receiver answered {answer.status}")
