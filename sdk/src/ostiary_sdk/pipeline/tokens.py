"""What a client of a door needs: the headers that prove its caller, made anew for each request.

A proof of possession is good for one request (RFC 9449), so headers are asked for right before each one is sent, again
for a second attempt, with the method and the whole URL of that request; query and fragment do not count.

>>> class Nobody:
...     def headers(self, method, url): return {}
>>> tokens: Tokens = Nobody()
"""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Tokens(Protocol):
    """Gives the headers of one request to a door. Must be thread-safe."""

    def headers(self, method: str, url: str, /) -> dict[str, str]:
        """Return the headers that prove the caller of this one request.

        Raises:
            TokenError: there is no token now, and none can be had.
        """
        ...
