"""The PDP's metadata (Authorization API 1.0 §9), plain and signed, and the keys to check it with.

1. Every URL is made from the configured public URL. The ``Host`` header is the caller's word and is not read.
2. A tenant's metadata differs in its identifier only, and is the same for a tenant that does not exist: whoever asks
   without credentials learns nothing about who is a customer (HOUSE.md §1 law 8).
3. ``signed_metadata`` is a JWT of the deployment's own key, made anew well before it expires.

>>> from ostiary.server.metadata import document
>>> document("https://pdp.example")["access_evaluation_endpoint"]
'https://pdp.example/access/v1/evaluation'
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import check_tenant

WELL_KNOWN: Final = "/.well-known/authzen-configuration"
VALID_S: Final = 86_400
RENEW_S: Final = 3_600
OBLIGATIONS: Final = ("human_review", "notification", "reduce", "session_lifetime", "session_termination", "step-up")
REQUESTS: Final = "/access/v1/requests"
CAPABILITY: Final = "urn:openid:authzen:capability:access-request"
_MAX_KEPT: Final = 64
_NS: Final = 1_000_000_000


def document(base: str, tenant: str = "", *, requests: bool = False) -> dict[str, Any]:
    """Return the unsigned metadata; ``base`` is the public URL without a slash at its end.

    ``requests`` says that access can be asked for (Access Request and Approval Profile).
    """
    asking = {"access_request_endpoint": f"{base}{REQUESTS}", "capabilities": [CAPABILITY]} if requests else {}
    return {
        "policy_decision_point": f"{base}/{tenant}" if tenant else base,
        "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
        "search_subject_endpoint": f"{base}/access/v1/search/subject",
        "search_resource_endpoint": f"{base}/access/v1/search/resource",
        "search_action_endpoint": f"{base}/access/v1/search/action",
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "supported_obligations": list(OBLIGATIONS),
        **asking,
    }


class Metadata:
    """Answers metadata requests; signs at most once an hour for each tenant asked for."""

    def __init__(
        self, base: str, clock: Clock, sign: Callable[[dict[str, Any]], str], *, requests: bool = False
    ) -> None:
        """Take the public URL, what signs claims into a JWT, and whether access can be asked for."""
        self._requests = requests
        self._base = base.rstrip("/")
        self._clock = clock
        self._sign = sign
        self._made: dict[str, tuple[int, bytes]] = {}

    def find(self, path: str) -> bytes | None:
        """Return the body for a path under ``WELL_KNOWN``, or ``None`` when the path is none of ours."""
        tail = path.removeprefix(WELL_KNOWN)
        if tail in {"", "/"}:
            return self._body("")
        try:
            return self._body(check_tenant(tail.removeprefix("/")))
        except FaultyInputError:
            return None

    def _body(self, tenant: str) -> bytes:
        now = self._clock.now_ns() // _NS
        made = self._made.get(tenant)
        if made is not None and 0 <= now - made[0] < RENEW_S:
            return made[1]
        body = self._signed(tenant, now)
        if len(self._made) >= _MAX_KEPT:
            self._made.clear()
        self._made[tenant] = (now, body)
        return body

    def _signed(self, tenant: str, now: int) -> bytes:
        plain = document(self._base, tenant, requests=self._requests)
        claims = {**plain, "iss": plain["policy_decision_point"], "iat": now, "nbf": now, "exp": now + VALID_S}
        return msgspec.json.encode({**plain, "signed_metadata": self._sign(claims)})
