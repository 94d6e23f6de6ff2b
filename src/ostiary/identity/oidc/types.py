"""What a provider vouches for, once everything about its token has been checked; only this room can say so."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NoReturn, Self, TypeVar, final

from typing_extensions import override

from ostiary.identity._seal import SEAL

_T = TypeVar("_T")


@final
@dataclass(frozen=True, slots=True, init=False)
class VerifiedSignIn:
    """A person who signed in at a provider a moment ago.

    Attributes:
        provider: our name for it.
        subject_id: the person's id here.
        sub: the person's id there.
        sid: the session's name there, empty when not told.
        acr, amr: how the person proved who it is, as the provider says.
        auth_time: when, Unix seconds; ``None`` when not told.
        claims: the kept claims, deeply frozen.
    """

    provider: str
    tenant: str
    issuer: str
    subject_id: str
    sub: str
    sid: str
    acr: str
    amr: tuple[str, ...]
    auth_time: int | None
    claims: Mapping[str, Any] = field(repr=False)

    def __new__(cls, *, seal: object, **given: Any) -> Self:  # noqa: D102 - told by the class
        return _sealed(cls, seal, given)

    @override
    def __reduce__(self) -> NoReturn:
        """Refuse to be copied or pickled: verify again."""
        raise TypeError("a verified sign-in cannot be copied or pickled: verify again")


@final
@dataclass(frozen=True, slots=True, init=False)
class VerifiedLogout:
    """A sign-out that a provider vouches for.

    Attributes:
        sub: whose; empty when only a session is named.
        sid: which session there; empty when all of the person's are meant.
    """

    provider: str
    tenant: str
    sub: str
    sid: str

    def __new__(cls, *, seal: object, **given: Any) -> Self:  # noqa: D102 - told by the class
        return _sealed(cls, seal, given)

    @override
    def __reduce__(self) -> NoReturn:
        """Refuse to be copied or pickled: verify again."""
        raise TypeError("a verified sign-out cannot be copied or pickled: verify again")


def _sealed(cls: type[_T], seal: object, given: dict[str, Any]) -> _T:
    if seal is not SEAL:
        raise TypeError("only the identity room can verify a provider's word")
    verified = object.__new__(cls)
    for part in fields(cls):  # type: ignore[arg-type] # both are dataclasses
        object.__setattr__(verified, part.name, given[part.name])
    return verified
