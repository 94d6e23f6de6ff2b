"""Review of issue 6, our own tokens: many who come at once after a pause are all served."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from typing_extensions import override

from ostiary.identity.exchange.details import AccessDetail
from ostiary.identity.exchange.issuing import AccessTokens
from ostiary.identity.exchange.own import OwnIssuers
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.tokens import TokenVerifier
from ostiary.identity.types import UnverifiedToken
from ostiary.keys import KeyRing
from ostiary.testing.fake_clock import FakeClock

BASE = "https://pdp.example"
AT_ONCE = 8


class SlowRing(KeyRing):
    """A ring whose disk takes a moment."""

    @override
    def jwks(self, tenant: str, purpose: str, *, recent_s: int | None = None) -> dict[str, object]:
        time.sleep(0.05)
        return super().jwks(tenant, purpose, recent_s=recent_s)


def test_many_at_once_after_a_pause_are_all_believed(tmp_path: Path) -> None:
    clock = FakeClock()
    ring = SlowRing(tmp_path, clock)
    detail = AccessDetail("ostiary_dataset", "sales", ("dataset.read",))
    minted = AccessTokens(ring, BASE).mint(
        "default",
        subject_type="ci_job",
        subject_id="j",
        detail=detail,
        now_ns=clock.now_ns(),
        lifetime_s=900,
        jkt="k" * 43,
    )
    verifier = TokenVerifier(IssuerBook([], own=OwnIssuers(ring, BASE).find))
    token = UnverifiedToken(minted.token)
    for pause_s in (0, 1, 60):
        clock.advance(seconds=pause_s)
        start = threading.Barrier(AT_ONCE)

        def verify(_: int, start: threading.Barrier = start) -> str:
            start.wait()
            return verifier.verify(token, "default", clock.now_ns())[0].subject_id

        with ThreadPoolExecutor(AT_ONCE) as pool:
            assert list(pool.map(verify, range(AT_ONCE))) == ["j"] * AT_ONCE
