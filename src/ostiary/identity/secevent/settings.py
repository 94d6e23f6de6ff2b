"""What an administrator sets for one transmitter whose event tokens are believed.

>>> TransmitterConfig(tenant="acme", issuer="https://idp.example", audience="https://us.example",
...                   jwks=JwksSource(url="https://idp.example/jwks")).max_age_s
604800
"""

from dataclasses import dataclass
from typing import Final

from ostiary.errors import FaultyInputError
from ostiary.identity.algorithms import ALGORITHMS
from ostiary.identity.reasons import Refusal
from ostiary.identity.settings import JwksSource
from ostiary.identity.strict import is_name
from ostiary.vocabulary.ids import check_tenant

MAX_NAME: Final = 512
_DAY_S: Final = 86_400
_MAX_AGE_S: Final = range(1, 90 * _DAY_S + 1)
_MAX_SKEW_S: Final = range(301)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransmitterConfig:
    """One transmitter that one tenant believes. It is not thereby believed as an issuer of access tokens.

    Attributes:
        issuer: the exact ``iss`` of its event tokens.
        audience: our name with it, one of the token's ``aud``.
        algorithms: the signature algorithms it uses; asymmetric ones only.
        max_age_s: how old a token may be: a stream that was paused delivers late (SSF 1.0 §8.1.2).
        clock_skew_s: how far in the future it may have been made.
    """

    tenant: str
    issuer: str
    audience: str
    jwks: JwksSource
    algorithms: tuple[str, ...] = ("ES256", "EdDSA", "PS256", "RS256")
    max_age_s: int = 7 * _DAY_S
    clock_skew_s: int = 60

    def __post_init__(self) -> None:
        """Check every value."""
        check_tenant(self.tenant)
        if not is_name(self.issuer, MAX_NAME) or not is_name(self.audience, MAX_NAME):
            _faulty("a transmitter needs a proper `issuer` and `audience`")
        if not self.algorithms or not set(self.algorithms) <= set(ALGORITHMS):
            _faulty(f"`algorithms` must be some of {', '.join(sorted(ALGORITHMS))}")
        if self.max_age_s not in _MAX_AGE_S or self.clock_skew_s not in _MAX_SKEW_S:
            _faulty("`max_age_s` must be 1 to 7776000, `clock_skew_s` 0 to 300")


def _faulty(message: str) -> None:
    raise FaultyInputError(Refusal.IDENTITY_CONFIG_INVALID, message)
