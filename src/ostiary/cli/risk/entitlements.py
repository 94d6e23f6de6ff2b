"""``ostiary risk entitlements``: least privilege. Score requests for access, review what is held.

- Answers go to stdout, progress to stderr.
- A model is signed when it is written and verified before it is used.
- Nothing is granted or revoked here: a person or a policy reads the answer.
"""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import App, Parameter

from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.risk.shared import Data, Json, MappingName, Tenant, check, need_extra, progress, reader_of, write_lines
from ostiary.errors import FaultyInputError
from ostiary.keys import KeyRing
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir
from ostiary.server.wiring import MODEL_PURPOSE, trusted_model_keys
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.ids import check_tenant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ostiary.risk.entitlements.grant_model import GrantModel
    from ostiary.risk.entitlements.request_model import RequestModel
    from ostiary.risk.entitlements.review import Reviewed, Use
    from ostiary.risk.entitlements.training import TrainedModel

_PRODUCER: Final = "ostiary risk entitlements train"
_NAMED: Final = 3
_BLIND: Final = 0.02  # below this share of used grants the events hardly name permissions at all

entitlements = App(name="entitlements", help="Least privilege: score requests for access, review what is held.")

Model = Annotated[Path, Parameter(help="Folder of the model.")]
Requests = Annotated[Path | None, Parameter(help="Requests: CSV, plain or gzip, one row each.")]
Grants = Annotated[Path | None, Parameter(help="Who holds what: CSV, plain or gzip, one row a grant.")]
Identifier = Annotated[
    str, Parameter(name="--id", help="Column with a row's id. Default: id or row if there, else none.")
]
UserColumn = Annotated[str, Parameter(help="Column with the user, for --grants.")]
PermissionColumn = Annotated[str, Parameter(help="Column with the permission, for --grants.")]


@entitlements.command
def train(
    *,
    requests: Requests = None,
    decision: Annotated[str, Parameter(help="Column with the decision: 1 granted, 0 refused.")] = "",
    identifier: Identifier = "",
    features: Annotated[str, Parameter(help="Columns to use, comma-separated. Default: all others.")] = "",
    resource: Annotated[str, Parameter(help="Column that names what is asked for. Default: by its name.")] = "",
    unlabelled: Annotated[
        Path | None, Parameter(help="Requests without decision; their values are counted only.")
    ] = None,
    grants: Grants = None,
    user_column: UserColumn = "user",
    permission_column: PermissionColumn = "permission",
    out_folder: Annotated[Path, Parameter(name="--out", help="Where the model goes.")],
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    seed: Annotated[int, Parameter(help="Of everything random.")] = 7,
    json: Json = False,
) -> None:
    """Learn from decided requests (--requests) or from who holds what (--grants), and sign the model."""
    need_extra()
    from ostiary.artifacts import ArtifactPredicate  # noqa: PLC0415
    from ostiary.risk.training.write import check_place, write_signed  # noqa: PLC0415 - the risk extra is heavy

    check((requests is None) != (grants is None), "give either --requests or --grants")
    check_place(out_folder)
    if requests is not None:
        wanted = [name.strip() for name in features.split(",") if name.strip()]
        trained = _train_requests(requests, decision, identifier, wanted, resource, unlabelled, seed)
    else:
        trained = _train_grants(grants, (user_column, permission_column), seed)
    places, clock = Places(data_dir(data)), SystemClock()
    key = KeyRing(places.keys / "ring", clock).active(check_tenant(tenant), MODEL_PURPOSE)
    predicate = ArtifactPredicate(kind=trained.kind, created_ns=clock.now_ns(), producer=_PRODUCER, tenant=tenant)
    digest = write_signed(trained.files, out_folder, key, predicate)
    _tell_trained(out_folder, digest, key.kid, trained, json=json)


@entitlements.command
def score(
    *,
    model: Model,
    requests: Requests = None,
    grants: Grants = None,
    identifier: Identifier = "",
    jsonl: Annotated[bool, Parameter(negative="", help="One JSON document a line (always; said for scripts).")] = True,  # noqa: ARG001
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Score requests, or pairs of user and permission; one JSON line a row, in order."""
    from ostiary.risk.entitlements.lines import identifier_of  # noqa: PLC0415
    from ostiary.risk.entitlements.table import read_table  # noqa: PLC0415

    check((requests is None) != (grants is None), "give either --requests or --grants")
    path = requests or grants
    opened = _request_model(model, data, tenant) if requests else _grant_model(model, data, tenant)
    table = read_table(path or Path())
    write_lines(opened.score(table, identifier_of(table, identifier) if identifier or grants else ""))


@entitlements.command
def review(
    *,
    model: Model,
    events: Annotated[
        Path | None, Parameter(allow_leading_hyphen=True, help="Events of the period, to find unused grants.")
    ] = None,
    mapping: MappingName = "",
    user: Annotated[str, Parameter(help="Only this user's grants.")] = "",
    permission: Annotated[str, Parameter(help="Only the holders of this permission.")] = "",
    top: Annotated[int, Parameter(help="So many grants, worst first; 0 for all.")] = 50,
    jsonl: Annotated[bool, Parameter(name="--jsonl", negative="", help="One JSON document a line.")] = False,
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """List what is held: what stands out, what is unused, who else has it, and what to do about it."""
    from ostiary.risk.entitlements.review import review as look  # noqa: PLC0415
    from ostiary.risk.entitlements.review import summary  # noqa: PLC0415

    opened = _grant_model(model, data, tenant)
    used = None if events is None else _uses(opened, events, mapping, tenant)
    found = look(opened, used, user=user, permission=permission)
    shown = islice(found, top) if top > 0 else found
    if jsonl:
        write_lines(shown)
    else:
        _tell_review(shown, summary(opened, used))


def _train_requests(
    path: Path,
    decision: str,
    identifier: str,
    features: list[str],
    resource: str,
    unlabelled: Path | None,
    seed: int,
) -> "TrainedModel":
    from ostiary.risk.entitlements.lines import identifier_of  # noqa: PLC0415
    from ostiary.risk.entitlements.request_fit import RequestSettings  # noqa: PLC0415
    from ostiary.risk.entitlements.table import read_table  # noqa: PLC0415
    from ostiary.risk.entitlements.training import train_requests  # noqa: PLC0415

    check(bool(decision), "--requests needs --decision: the column with 1 for granted and 0 for refused")
    table = read_table(path)
    return train_requests(
        table,
        decision,
        RequestSettings(seed=seed),
        progress(),
        identifier=identifier_of(table, identifier),
        features=features,
        resource=resource,
        seen=None if unlabelled is None else read_table(unlabelled),
    )


def _train_grants(path: Path | None, columns: tuple[str, str], seed: int) -> "TrainedModel":
    from ostiary.risk.entitlements.grant_fit import GrantSettings  # noqa: PLC0415
    from ostiary.risk.entitlements.table import read_table  # noqa: PLC0415
    from ostiary.risk.entitlements.training import train_grants  # noqa: PLC0415

    return train_grants(read_table(path or Path()), columns, GrantSettings(seed=seed), progress())


def _request_model(folder: Path, data: Path | None, tenant: str) -> "RequestModel":
    from ostiary.risk.entitlements.request_model import RequestModel  # noqa: PLC0415

    opened = _open(folder, data, tenant)
    if not isinstance(opened, RequestModel):
        raise FaultyInputError("model_other_kind", f"`{folder}` was trained on grants: give --grants, not --requests")
    return opened


def _grant_model(folder: Path, data: Path | None, tenant: str) -> "GrantModel":
    from ostiary.risk.entitlements.grant_model import GrantModel  # noqa: PLC0415

    opened = _open(folder, data, tenant)
    if not isinstance(opened, GrantModel):
        raise FaultyInputError("model_other_kind", f"`{folder}` was trained on requests: a model of --grants is needed")
    return opened


def _open(folder: Path, data: Path | None, tenant: str) -> "RequestModel | GrantModel":
    need_extra()
    from ostiary.risk.entitlements.loading import load_model  # noqa: PLC0415

    places = Places(data_dir(data))
    keys = trusted_model_keys(places, KeyRing(places.keys / "ring", SystemClock()), check_tenant(tenant))
    return load_model(folder, keys)


def _uses(model: "GrantModel", events: Path, mapping: str, tenant: str) -> "Use":
    from ostiary.risk.entitlements.review import share_used, uses_in  # noqa: PLC0415

    used = uses_in(model, reader_of(events, mapping, tenant))
    share = share_used(model, used)
    err.print(f"{share:.1%} of the grants were used in the period", markup=False)
    if share < _BLIND:
        err.print("hardly any: do the events name users and permissions as the grants do?", style="yellow")
    return used


def _tell_trained(folder: Path, digest: str, kid: str, trained: "TrainedModel", *, json: bool) -> None:
    card = trained.card
    if json:
        print_json({"folder": str(folder), "digest": digest, "kid": kid, "kind": trained.kind, "card": card})
        return
    out.print(f"{folder}: {digest}, signed with {kid}", markup=False)
    rows = [{"what": name, "figure": f"{number:,}"} for name, number in card.counts.items()]
    rows += [{"what": f"{name} on held-out folds", "figure": f"{number:.4f}"} for name, number in card.figures.items()]
    print_table(card.task, ["what", "figure"], rows)


def _tell_review(shown: "Iterable[Reviewed]", counts: dict[str, int]) -> None:
    columns = ["user", "permission", "score", "advice", "peers", "why"]
    rows = [
        {
            "user": one.user,
            "permission": one.permission,
            "score": f"{one.score:.4f}",
            "advice": one.recommendation,
            "peers": f"{one.peers_with} of {one.peers}",
            "why": "; ".join([one.why, *one.reasons, *_others(one)]),
        }
        for one in shown
    ]
    print_table("entitlements, what to act on first", columns, rows)
    out.print(", ".join(f"{number:,} {name}" for name, number in counts.items()), markup=False)


def _others(one: "Reviewed") -> list[str]:
    return [f"also held by {', '.join(one.who_else[:_NAMED])}"] if one.who_else else []
