"""What one access token is for: one resource, some actions, one purpose (RFC 9396 ``authorization_details``).

- A token has exactly one item: a token for one dataset says nothing of another.
- What is not named is not granted; ``*`` among the columns leaves the choice of columns to policy.
- Only the details of a token that Ostiary itself signed are read back by ``detail_of``: another issuer's claim of the
  same name is just a claim.

>>> read_details([{"type": "ostiary_dataset", "identifier": "sales", "actions": ["dataset.read"]}]).resource_type
'dataset'
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.identity.strict import is_name
from ostiary.identity.types import VerifiedIdentity, thaw

CLAIM: Final = "authorization_details"
INVALID: Final = "authorization_details_invalid"
_PREFIX: Final = "ostiary_"
_MAX_AMOUNT: Final = 2**53
_MAX_PATH: Final = 1024

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Text = Annotated[str, msgspec.Meta(max_length=256)]
Amount = Annotated[int, msgspec.Meta(ge=0, le=_MAX_AMOUNT)]
DetailType = Literal[
    "ostiary_dataset", "ostiary_endpoint", "ostiary_feature_set", "ostiary_index", "ostiary_model", "ostiary_training"
]


class AccessDetail(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One item of ``authorization_details``.

    Attributes:
        type: ``ostiary_`` and the type of the resource.
        identifier: the id of the one resource.
        actions: what may be done there, such as ``dataset.read``.
        datatypes: columns, for a feature set; ``*`` stands for all that policy lets through.
        purpose: what for, such as ``training``.
        stage: the stage of the pipeline that the holder is.
        commit: the commit that the holder runs.
        prefix: the path below which objects may be touched; empty for all of the dataset.
        max_bytes, max_objects: how much may be read with this token; 0 leaves it to the door.
        locations: where the token is good (RFC 9396 §2.2); empty for every door of its tenant.
    """

    type: DetailType
    identifier: Name
    actions: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=16)]
    datatypes: Annotated[tuple[Name, ...], msgspec.Meta(max_length=1000)] = ()
    purpose: Text = ""
    stage: Text = ""
    commit: Text = ""
    prefix: Annotated[str, msgspec.Meta(max_length=_MAX_PATH)] = ""
    max_bytes: Amount = 0
    max_objects: Amount = 0
    locations: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=2048)], ...], msgspec.Meta(max_length=8)] = ()

    @property
    def resource_type(self) -> str:
        """The AuthZEN type of the resource."""
        return self.type.removeprefix(_PREFIX)


def read_details(value: object) -> AccessDetail:
    """Return the one item of ``authorization_details``, a parsed JSON array.

    Raises:
        FaultyInputError: ``authorization_details_invalid``.
    """
    if not isinstance(value, list) or len(value) != 1:
        raise FaultyInputError(INVALID, "`authorization_details` must be an array of exactly one item")
    try:
        detail = msgspec.convert(value[0], AccessDetail)
    except msgspec.ValidationError as fault:
        raise FaultyInputError(INVALID, f"`authorization_details` is malformed: {fault}") from fault
    texts = (detail.purpose, detail.stage, detail.commit, detail.prefix, *detail.locations)
    names = (detail.identifier, *detail.actions, *detail.datatypes, *(text for text in texts if text))
    if not all(is_name(name, 2048) for name in names):
        raise FaultyInputError(INVALID, "`authorization_details` holds a text with characters that cannot be seen")
    return detail


def detail_of(identity: VerifiedIdentity) -> AccessDetail | None:
    """Return what a token of our own is for; ``None`` for everybody else's tokens."""
    if not identity.exchanged:
        return None
    try:
        return read_details(thaw(identity.claims.get(CLAIM, ())))
    except FaultyInputError:
        return None


def origin_of(identity: VerifiedIdentity) -> Mapping[str, object]:
    """Return what was verified when a token of our own was made; empty for everybody else's tokens."""
    origin = identity.claims.get("origin") if identity.exchanged else None
    return origin if isinstance(origin, Mapping) else {}
