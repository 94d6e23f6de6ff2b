"""A feature set's columns by who may read them, put together from the tables in force and the catalogue.

What it does not cover is said beside it: groups that only a token tells, conditions of the moment, denies of other rules
(production but for verified CI, devices, sessions), what the models propose, and rules that a tenant wrote itself.
"""

from typing import Any, Final

import msgspec

from ostiary.errors import RefusedError
from ostiary.pipeline.registered import Registered
from ostiary.server.column_access.grants import Holder, RoleGrant, globbed, granted, holders
from ostiary.server.column_access.tags import Cell, elsewhere, seen, stages_of
from ostiary.server.features import SET
from ostiary.server.wiring import House
from ostiary.signals.actions import class_of

READ: Final = "features.read"
UNKNOWN: Final = "feature_set_unknown"
NOT_COVERED: Final = (
    "groups that only a token tells: the catalogue's alone are counted",
    "what a token itself narrows: its columns, stage, purpose and rows budget",
    "conditions of a grant (token, mfa, managed device, office hours): they are named, not decided",
    "rules that deny whatever a role grants: production features for verified CI alone, device, session, time, place",
    "what the models propose at the moment, and break glass",
    "rules that this tenant's own bundle adds or changes: only the tables are read",
)


class FilterTold(msgspec.Struct, frozen=True):
    """A row filter: where it holds, and what must hold of every row."""

    source: str
    stages: tuple[str, ...]
    purposes: tuple[str, ...]
    all: tuple[str, ...]


class Reader(msgspec.Struct, frozen=True):
    """Somebody who may read a column; ``when`` must hold, too."""

    subject: str
    through: str
    role: str
    grant: str
    when: tuple[str, ...]


class Access(msgspec.Struct, frozen=True):
    """What the tables say of one feature set.

    Attributes:
        columns: name to type, tags and what a derived one reads.
        stages: all that the tables name.
        cells: how each column is seen, by stage; the stage ``""`` is an access that tells none.
        grants: which roles may read the set at all.
        readers: subjects of the catalogue with such a role, and those who were granted access for a time.
        more: whether there are more readers than are told.
        filters: which rows.
        max_rows: by stage.
        not_covered: what this does not tell.
    """

    feature_set: str
    columns: dict[str, dict[str, Any]]
    stages: tuple[str, ...]
    cells: dict[str, dict[str, Cell]]
    grants: tuple[RoleGrant, ...]
    readers: tuple[Reader, ...]
    more: bool
    filters: tuple[FilterTold, ...]
    max_rows: dict[str, int]
    bundle: str
    not_covered: tuple[str, ...] = NOT_COVERED


def find_set(house: House, tenant: str, name: str) -> Registered:
    """Return a registered feature set.

    Raises:
        RefusedError: ``feature_set_unknown``.
    """
    found = house.registry.get(tenant, SET, name)
    if found is None:
        raise RefusedError(UNKNOWN, "there is no such feature set")
    return found


def access_of(house: House, tenant: str, name: str, purpose: str = "") -> Access:
    """Return who may read which column of a feature set, by the tables in force.

    Raises:
        RefusedError: ``feature_set_unknown``.
        UnavailableError: the policy is not loaded.
    """
    one = find_set(house, tenant, name)
    info = house.policies.load(tenant).bundle
    tables = info.data.get("pipeline", {}).get("features", {})
    rules, columns = tables.get("reads", {}), one.attributes.get("columns", {})
    filters = _filters(tables.get("row_filters", ()), one)
    stages = stages_of(rules, tables.get("row_filters", ()))
    level = one.sensitivity
    taken = info.data.get("protection", {}).get("default_sensitivity", 4) if level is None else level
    catalogue = house.knowledge.enricher(tenant).catalogue
    kind = str(catalogue.action_class(READ) or class_of(READ))
    table = info.data.get("access", {})
    grants = granted(table, name, taken, READ, kind)
    found, more = holders(table, catalogue, {grant.role for grant in grants})
    return Access(
        feature_set=name,
        columns=columns,
        stages=tuple(stages),
        cells={stage: seen(columns, rules, stage, purpose) for stage in ("", *stages)},
        grants=tuple(grants),
        readers=(*_readers(found, grants), *_granted_for_a_time(house, tenant, name)),
        more=more,
        filters=tuple(filters),
        max_rows={str(stage): int(rows) for stage, rows in tables.get("max_rows", {}).items()},
        bundle=info.digest,
    )


def readers_of(access: Access, column: str, stage: str) -> tuple[Reader, ...]:
    """Return who may read ``column`` in ``stage``, masked or not; nobody where it is closed to all.

    Raises:
        RefusedError: ``feature_column_unknown``.
    """
    if column not in access.columns:
        raise RefusedError("feature_column_unknown", "there is no such column")
    cells = access.cells.get(stage, {})
    return access.readers if column in cells and cells[column].state != "closed" else ()


def _readers(found: list[Holder], grants: list[RoleGrant]) -> list[Reader]:
    return [
        Reader(one.subject, one.through, one.role, grant.grant, grant.when)
        for one in found
        for grant in grants
        if grant.role == one.role
    ]


def _granted_for_a_time(house: House, tenant: str, name: str) -> list[Reader]:
    book, now_ns = house.access.book, house.clock.now_ns()
    return [
        Reader(one.subject, "granted for a time", "", one.id, ())
        for one in book.grants(tenant)
        if (one.action, one.resource_type, one.resource_id) == (READ, SET, name)
        and one.holds(now_ns)
        and book.revoked(tenant, one.id) is None
    ]


def _filters(listed: Any, one: Registered) -> list[FilterTold]:
    general = [each for each in listed if any(globbed(glob, one.id) for glob in each.get("sets", ()))]
    own = one.attributes.get("row_filters") or ()
    sources = [("the deployment's tables", each) for each in general] + [
        ("the feature set itself", each) for each in own
    ]
    return [
        FilterTold(
            source,
            tuple(map(str, each.get("stages") or ())),
            tuple(map(str, each.get("purposes") or ())),
            tuple(_comparison(part) for part in each.get("all") or ()),
        )
        for source, each in sources
        if isinstance(each, dict)
    ]


def _comparison(part: dict[str, Any]) -> str:
    right = f"the subject's {part['attribute']}" if part.get("attribute") else str(part.get("value"))
    return f"{part.get('column')} {part.get('op')} {right}"


def holds_in(one: FilterTold, stage: str, purpose: str = "") -> bool:
    """Return whether a row filter may hold in a stage."""
    told = {"stages": list(one.stages), "purposes": list(one.purposes)}
    return not elsewhere({name: value for name, value in told.items() if value}, stage, purpose)
