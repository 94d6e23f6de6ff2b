"""Where models come from and where they went: identity → token → dataset → run → version → endpoint.

1. Every link names the record or document that says so; what nothing says is not drawn.
2. A token counts for a run when its holder asked for the run, before it began, and it is for one of the run's datasets
   or for its pipeline. That is what the log can tell: that the bytes came by this very token it does not.
3. Bounded: so many versions, and the newest so many records of tokens. ``cut`` says what was left out.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

import msgspec

from ostiary.audit.pending import StoredRecord
from ostiary.errors import OstiaryError, RefusedError
from ostiary.pipeline.inference.endpoint import TYPE as ENDPOINT
from ostiary.pipeline.registry.model import Version
from ostiary.server.lineage.runs import one_run
from ostiary.server.lineage.walking import newest
from ostiary.server.model_cards.papers import provenance_of
from ostiary.server.tokens.records import KIND as TOKEN
from ostiary.server.wiring import House

Kind = Literal["identity", "token", "dataset", "run", "model", "endpoint"]
MOST_VERSIONS: Final = 12
MOST_TOKENS: Final = 400
_DATASET: Final = "ostiary://"
_MADE: Final = frozenset({"exchanged", "minted"})


class Node(msgspec.Struct, frozen=True):
    """One thing: ``name`` is unique in the picture, ``id`` is how its page is found."""

    name: str
    kind: Kind
    id: str
    more: str = ""


class Link(msgspec.Struct, frozen=True):
    """What one thing has to do with another, and by which record or document that is known."""

    source: str
    target: str
    what: str
    known_by: str = ""


class Lineage(msgspec.Struct, frozen=True):
    """The picture; ``cut`` says in words what was left out."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    cut: tuple[str, ...]


class _Drawing:
    """Nodes and links as they are found, each once."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.links: dict[tuple[str, str, str], Link] = {}

    def node(self, kind: Kind, id_: str, name: str, more: str = "") -> str:
        self.nodes.setdefault(name, Node(name, kind, id_, more))
        return name

    def link(self, source: str, target: str, what: str, known_by: str = "") -> None:
        self.links.setdefault((source, target, what), Link(source, target, what, known_by))


def lineage_of(house: House, tenant: str, name: str) -> Lineage:
    """Return the lineage of a model's newest versions, all of the tenant's live ones when ``name`` is empty.

    Raises:
        RefusedError: ``model_unknown``.
    """
    versions, cut = _versions(house, tenant, name)
    drawing = _Drawing()
    runs = [_draw_version(house, drawing, one) for one in versions]
    tokens, more = _tokens(house, tenant) if any(runs) else ([], False)
    for run in runs:
        if run:
            _draw_tokens(drawing, run, tokens)
    if more:
        cut.append(f"only the newest {MOST_TOKENS} records of tokens were read")
    return Lineage(tuple(drawing.nodes.values()), tuple(drawing.links.values()), tuple(cut))


def _versions(house: House, tenant: str, name: str) -> tuple[list[Version], list[str]]:
    journal, book = house.models.journal, house.models.book
    if name:
        numbers = sorted((row.number for row in book.versions(tenant, name)), reverse=True)
        if not numbers:
            raise RefusedError("model_unknown", "there is no such model")
        wanted = [(name, number) for number in numbers]
    else:
        lives = (live for each in book.names(tenant) for live in journal.lives(tenant, each))
        wanted = list(dict.fromkeys((live.name, live.number) for live in lives if live.number))
    cut = [f"{len(wanted) - MOST_VERSIONS} more versions are left out"] if len(wanted) > MOST_VERSIONS else []
    return [journal.version(tenant, model, number) for model, number in wanted[:MOST_VERSIONS]], cut


def _draw_version(house: House, drawing: _Drawing, version: Version) -> dict[str, Any]:
    """Draw a version with its endpoints, its run and its datasets; return the run, empty when it is not on record."""
    tenant = version.tenant
    model = drawing.node("model", version.name, f"{version.name} version {version.number}", version.digest)
    for endpoint in house.registry.all(tenant, ENDPOINT):
        if endpoint.spec.get("model") in {version.digest, version.statement}:
            served = drawing.node("endpoint", endpoint.id, f"endpoint {endpoint.id}")
            drawing.link(model, served, "answers at", "the endpoint's registration")
    run = _run(house, tenant, version.origin.run)
    made_by = run or {"run": version.origin.run, "datasets": _materials(house, version)}
    known_by = run["record_ids"][-1] if run else "the provenance"
    if made_by["run"]:
        place = drawing.node("run", made_by["run"], f"run {made_by['run']}", version.origin.builder)
        drawing.link(place, model, "made", "the provenance")
    else:
        place = model
    for dataset in made_by.get("datasets", ()):
        data = drawing.node("dataset", dataset["name"], f"dataset {dataset['name']}", dataset.get("digest", ""))
        drawing.link(data, place, "was read by", known_by)
    if run.get("asked_by"):
        who = drawing.node("identity", run["asked_by"], run["asked_by"])
        if not run.get("datasets"):
            drawing.link(who, place, "asked for", run.get("decision_id", ""))
    return run


def _run(house: House, tenant: str, run: str) -> dict[str, Any]:
    try:
        return one_run(house, tenant, run) if run else {}
    except RefusedError:  # it ran elsewhere: the provenance alone tells of it
        return {}


def _materials(house: House, version: Version) -> list[dict[str, str]]:
    try:
        people = house.models.people.of(version.tenant)
    except OstiaryError:  # whose signature it is matters not here: it was checked when the version came in
        return []
    materials = provenance_of(people, version).materials
    return [
        {"name": one["uri"].removeprefix(_DATASET), "digest": one["digest"]}
        for one in materials
        if one["uri"].startswith(_DATASET)
    ]


def _tokens(house: House, tenant: str) -> tuple[list[dict[str, Any]], bool]:
    def read(record: StoredRecord) -> dict[str, Any] | None:
        told = msgspec.json.decode(record.payload or b"{}", type=dict[str, Any])
        return {**told, "at_ns": record.time_ns, "record_id": record.record_id} if told.get("action") in _MADE else None

    walked = newest(house.log, tenant, TOKEN, read, limit=MOST_TOKENS)
    return list(walked.found), walked.next is not None


def _draw_tokens(drawing: _Drawing, run: dict[str, Any], tokens: Iterable[dict[str, Any]]) -> None:
    names, place = {one["name"] for one in run.get("datasets", ())}, f"run {run['run']}"
    asked_by, used = run.get("asked_by", ""), False
    for token in _for_run(run, tokens):
        used = True
        detail = token["detail"]
        known = str(token.get("token_id", ""))
        shown = drawing.node("token", token["record_id"], f"token {known[:16] or token['record_id']}", detail["type"])
        origin = token.get("origin") or {}
        first = f"{origin.get('sub_type', '')}:{origin['sub']}" if origin.get("sub") else asked_by
        who = drawing.node("identity", first, first)
        drawing.link(who, shown, "got", token["record_id"])
        target = f"dataset {detail['identifier']}" if detail["identifier"] in names else place
        drawing.link(shown, target, "opens", token["record_id"])
    if not used and asked_by:
        who = drawing.node("identity", asked_by, asked_by)
        for name in names:
            drawing.link(who, f"dataset {name}", "asked for a run on", str(run.get("decision_id", "")))


def _for_run(run: dict[str, Any], tokens: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the tokens that its holder had for the run's datasets or its pipeline, from before it began."""
    began = max(run.get("phases", {}).values(), default=0)
    names = {("ostiary_dataset", one["name"]) for one in run.get("datasets", ())}
    names.add(("ostiary_training", str(run.get("pipeline", ""))))
    for token in tokens:
        detail = token.get("detail") or {}
        fits = (detail.get("type"), detail.get("identifier")) in names
        holder = token.get("subject") == run.get("asked_by")
        if fits and holder and token["at_ns"] <= began and token.get("expires_ns", 0) >= run.get("started_ns", 0):
            yield token
