"""What the two entitlement models say of themselves in ``schema.json``, and the checks before anything is used."""

from typing import Final, TypeVar

import msgspec

from ostiary.artifacts import VerifiedArtifact
from ostiary.errors import FaultyInputError
from ostiary.risk.entitlements.request_fit import Blend
from ostiary.risk.schema import Thresholds

REQUEST_KIND: Final = "entitlement-request-model"
GRANT_KIND: Final = "entitlement-grant-model"
SCHEMA_FILE: Final = "schema.json"
TABLES_FILE: Final = "tables.safetensors"
FORMAT_VERSION: Final = 1

Shape = TypeVar("Shape", "RequestSchema", "GrantSchema")


class RequestSchema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The request model's columns and how its parts are joined.

    Attributes:
        columns: known values by column, in the order of the codes.
        identifier: column with a request's id, empty for the number of the row.
        resource: the column that names what is asked for.
        combos: combinations the forests look at.
        linear_combos: combinations the regression looks at.
        intercept: of the regression.
        blend: how both are joined.
        forests: how many there are.
        levels: scores from which a request is ``medium`` or ``high``.
        version: of this file's shape.
    """

    columns: dict[str, list[str]]
    identifier: str
    resource: str
    combos: list[tuple[int, ...]]
    linear_combos: list[tuple[int, ...]]
    intercept: float
    blend: Blend
    forests: int
    levels: Thresholds
    version: int = FORMAT_VERSION


class GrantSchema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The grant model's users and permissions.

    Attributes:
        users: names, in the order of their numbers.
        permissions: likewise.
        user_column: what the column with users is called.
        permission_column: likewise.
        levels: scores from which a pair is ``medium`` or ``high``.
        version: of this file's shape.
    """

    users: list[str]
    permissions: list[str]
    user_column: str
    permission_column: str
    levels: Thresholds
    version: int = FORMAT_VERSION


def read_schema(verified: VerifiedArtifact, shape: type[Shape]) -> Shape:
    """Return the schema of a verified artefact.

    Raises:
        FaultyInputError: ``model_malformed``.
    """
    try:
        schema = msgspec.json.decode(file_of(verified, SCHEMA_FILE), type=shape)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise malformed(f"its schema cannot be read: {fault}") from fault
    if schema.version != FORMAT_VERSION or not 0 <= schema.levels.medium <= schema.levels.high <= 1:
        raise malformed("its schema has another version, or levels out of order")
    return schema


def file_of(verified: VerifiedArtifact, name: str) -> bytes:
    """Return one file of the artefact.

    Raises:
        FaultyInputError: ``model_malformed``.
    """
    if name not in verified.files:
        raise malformed(f"it has no `{name}`")
    return verified.files[name]


def malformed(text: str) -> FaultyInputError:
    """Return the fault of a signed model that cannot be used all the same."""
    return FaultyInputError("model_malformed", f"the model is malformed: {text}")
