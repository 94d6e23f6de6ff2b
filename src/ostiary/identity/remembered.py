"""Verified tokens, remembered for a short while so that a busy subject does not cost a signature each time.

Rules (ADR-0005):

- The key is tenant, epoch of the issuer book and SHA-256 of the whole token: what differs in one byte is another
  token, what another tenant verified is unknown here, and a changed configuration forgets everything.
- Nothing is remembered past the token's own end, past ``max_age_s``, or past a change of the issuer's keys.
- Only the token is remembered. Proofs of possession, the claimed subject and the enforcement point's demands are
  checked every time. Refusals are not remembered.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from ostiary.errors import RefusedError
from ostiary.identity.dates import SECOND_NS
from ostiary.identity.facts import TokenFacts
from ostiary.identity.issuers import Issuer, IssuerBook
from ostiary.identity.reasons import Refusal
from ostiary.identity.settings import CacheSettings
from ostiary.identity.tokens import MAX_LENGTH, TokenVerifier
from ostiary.identity.types import UnverifiedToken, VerifiedIdentity
from ostiary.keys.hashing import sha256


@dataclass(slots=True, eq=False)
class Remembered:
    """One verified token; ``identity`` is made once, by ``SubjectVerifier``, after the first good proof."""

    facts: TokenFacts
    issuer: Issuer
    generation: int
    until_ns: int
    identity: VerifiedIdentity | None = field(default=None)


class TokenMemory:
    """Verifies tokens, or recalls having done so. Thread-safe."""

    def __init__(self, book: IssuerBook, settings: CacheSettings | None = None) -> None:
        """Start with nothing remembered."""
        self._book = book
        self._verifier = TokenVerifier(book)
        self._settings = settings or CacheSettings()
        self._lock = threading.Lock()
        self._tokens: OrderedDict[tuple[str, int, bytes], Remembered] = OrderedDict()

    def __len__(self) -> int:
        """How many tokens are remembered."""
        return len(self._tokens)

    def verify(self, token: str, tenant: str, now_ns: int) -> Remembered:
        """Return what the token says.

        Raises:
            RefusedError: one ``token_…`` code for each way to fail.
            UnavailableError: ``jwks_unavailable``.
        """
        if len(token) > MAX_LENGTH:  # before hashing it
            raise RefusedError(
                Refusal.TOKEN_TOO_LARGE, f"the token has {len(token)} characters, {MAX_LENGTH} are allowed"
            )
        key = (tenant, self._book.epoch, sha256(token.encode(errors="surrogatepass")))
        known = self._recall(key, now_ns)
        return known if known is not None else self._verify(key, token, tenant, now_ns)

    def _recall(self, key: tuple[str, int, bytes], now_ns: int) -> Remembered | None:
        with self._lock:
            known = self._tokens.get(key)
            if known is None:
                return None
            if known.until_ns <= now_ns or known.generation != known.issuer.keys.generation:
                del self._tokens[key]
                return None
            self._tokens.move_to_end(key)
        return known if known.facts.from_ns <= now_ns else None

    def _verify(self, key: tuple[str, int, bytes], token: str, tenant: str, now_ns: int) -> Remembered:
        facts, issuer, generation = self._verifier.verify(UnverifiedToken(token), tenant, now_ns)
        # `facts.until_ns` includes the skew; a token is remembered only until its own end.
        end_ns = facts.until_ns - issuer.config.clock_skew_s * SECOND_NS
        until_ns = min(end_ns, now_ns + self._settings.max_age_s * SECOND_NS)
        entry = Remembered(facts, issuer, generation, until_ns)
        if until_ns > now_ns and self._settings.max_tokens:
            with self._lock:
                self._tokens[key] = entry
                if len(self._tokens) > self._settings.max_tokens:
                    self._tokens.popitem(last=False)
        return entry
