"""A stage of a pipeline at the doors: it holds a key, bears tokens of Ostiary's own, and proves that they are its own.

The tokens are real ones, signed by the tenant's key as the token endpoint would; only the exchange is left out.

    caller = PipelineCaller(house, "https://pdp.example")
    token = caller.token(AccessDetail("ostiary_dataset", "sales", ("dataset.read",)))
    httpx.get(url, headers=caller.headers("GET", url, token))
"""

from typing import Any, Final
from urllib.parse import urlsplit

from ostiary.identity.exchange.details import AccessDetail
from ostiary.identity.exchange.issuing import AccessTokens
from ostiary.keys import KeyRing
from ostiary.testing.issuer import FakeHolder
from ostiary.vocabulary.clock import Clock

JOB: Final = "github:owner:9919:repository:42"
GITHUB: Final = "https://token.actions.githubusercontent.com"


class PipelineCaller:
    """One stage of a tenant's pipeline, with a key of its own."""

    def __init__(
        self,
        ring: KeyRing,
        clock: Clock,
        base_url: str,
        *,
        tenant: str = "default",
        subject_type: str = "ci_job",
        subject_id: str = JOB,
        holder: FakeHolder | None = None,
    ) -> None:
        """Be ``subject_type:subject_id``; ``ring`` and ``clock`` are those of the house whose doors it comes to."""
        self.tenant, self.subject_type, self.subject_id = tenant, subject_type, subject_id
        self.holder = holder or FakeHolder()
        self._clock = clock
        self._tokens = AccessTokens(ring, base_url)

    def token(self, detail: AccessDetail, *, lifetime_s: int = 300, issued_ago_s: int = 0, **more: Any) -> str:
        """Return a token for ``detail``; ``more`` are arguments of ``AccessTokens.mint``."""
        origin = {"iss": GITHUB, "sub_type": self.subject_type, "sub": self.subject_id, "claims": {"sha": "c0ffee"}}
        given = {"origin": origin, "jkt": self.holder.key.jkt, **more}
        minted = self._tokens.mint(
            self.tenant,
            subject_type=self.subject_type,
            subject_id=self.subject_id,
            detail=detail,
            now_ns=self._clock.now_ns() - issued_ago_s * 10**9,
            lifetime_s=lifetime_s,
            **given,
        )
        return minted.token

    def headers(self, method: str, url: str, token: str, **changes: Any) -> dict[str, str]:
        """Return the headers of one request; ``changes`` are claims of the proof."""
        htu = urlsplit(url)._replace(query="", fragment="").geturl()
        proof = self.holder.proof(self._clock.now_ns(), token, method, htu, **changes)
        return {"Authorization": f"DPoP {token}", "DPoP": proof}
