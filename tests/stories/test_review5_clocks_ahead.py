"""A token from before a revocation, dated as far ahead as its issuer's clock may be, is refused with all the others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ostiary.sessions import Asked

NS = 1_000_000_000
ALLOWED_S = 200


def test_the_revocation_allows_for_every_issuers_clock(start_server: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"keys": []}')
    issuer = {
        "issuer": "https://idp.example",
        "audience": "ostiary",
        "jwks_path": str(tmp_path / "keys.json"),
        "clock_skew_s": ALLOWED_S,
    }
    ledger = start_server(identity={"issuers": [issuer]}).house.ledger
    at_ns = 1_000_000 * NS
    ledger.revoke_subject("default", "user:ann", at_ns=at_ns, reason="compromise")
    made_ns = at_ns - 5 * NS + ALLOWED_S * NS  # five seconds before, by a clock that is that far ahead
    asked = Asked("default", (), "user:ann", at_ns + NS, issued_ns=made_ns)
    assert ledger.standing(asked).revoked
