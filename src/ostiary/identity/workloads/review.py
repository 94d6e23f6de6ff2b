"""Asking the platform itself whether a token still stands, beside verifying it: a port that wiring may fill.

Offline verification cannot see that a pod or service account was deleted a minute ago; a cluster's own TokenReview
can. The price is a request to the cluster for each token and minute (verified tokens are remembered that long), and
a cluster that is away lets nobody in. So it is an option, and off by default.
"""

from typing import Protocol

from ostiary.identity.types import UnverifiedToken


class TokenReview(Protocol):
    """Asks the issuer of a token whether it still stands. Must be thread-safe and bounded in time.

    INVARIANT: it can only refuse. What the issuer answers beside yes and no (names, groups) is not believed: the
    token's own verified claims are.
    """

    def review(self, tenant: str, authority: str, subject_id: str, token: UnverifiedToken, /) -> None:
        """Return when the token stands.

        Raises:
            RefusedError: ``workload_review_refused``.
            UnavailableError: ``workload_review_unavailable``.
        """
        ...
