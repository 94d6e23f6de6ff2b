"""``ostiary risk golden``: freeze attacks that every new model must still catch; see them, check a model with them.

- Frozen attacks are signed like a model and lie in ``golden/TENANT``; the store remembers their digest, so that
  `ostiary risk train` notices when they were taken away or swapped.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from cyclopts import App, Parameter

from ostiary.artifacts import ArtifactPredicate, verify_artifact
from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.places import open_data, settings_of
from ostiary.cli.risk.shared import Data, Json, MappingName, Model, Tenant, need_extra, reader_of, scorer_of
from ostiary.errors import RefusedError
from ostiary.keys import KeyRing
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir
from ostiary.server.storing import holds_data
from ostiary.server.wiring import MODEL_PURPOSE, trusted_model_keys
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.ids import check_tenant

if TYPE_CHECKING:
    from ostiary.risk.golden import Frozen
    from ostiary.risk.training.train import Trained

SNAPSHOT: Final = "golden"

golden = App(name="golden", help="Frozen attacks and canaries that every new model must still catch.")


@golden.command
def freeze(
    *,
    events: Annotated[Path, Parameter(help="Events with attacks in them, csv or jsonl, plain or gzip.")],
    labels: Annotated[Path, Parameter(help="Verdicts: CSV with event_id,label and attack_id.")],
    attacks: Annotated[Path | None, Parameter(help="CSV with attack_id,kind.")] = None,
    mapping: MappingName = "",
    model: Model = None,
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    json: Json = False,
) -> None:
    """Freeze the attacks of a file as the model in force sees them."""
    need_extra()
    from ostiary.risk.golden import KIND, freeze as make  # noqa: PLC0415, I001 - the risk extra is heavy
    from ostiary.risk.training.write import write_signed  # noqa: PLC0415
    from ostiary.risk.verdicts import read_kinds, read_verdicts  # noqa: PLC0415

    places, clock = Places(data_dir(data)), SystemClock()
    judging = scorer_of(model, places, check_tenant(tenant))
    kinds = read_kinds(attacks) if attacks else {}
    known = {
        name: (one.attack or name, kinds.get(one.attack, one.kind))
        for name, one in read_verdicts(labels).items()
        if one.label
    }
    frozen = make(reader_of(events, mapping, tenant), known, judging, judging.schema.settled_days)
    key = KeyRing(places.keys / "ring", clock).active(tenant, MODEL_PURPOSE)
    predicate = ArtifactPredicate(
        kind=KIND, created_ns=clock.now_ns(), producer="ostiary risk golden", feature_set="", tenant=tenant
    )
    digest = write_signed(frozen.files(), places.golden(tenant), key, predicate)
    with open_data(data) as house:
        house.store.snapshots.save(tenant, SNAPSHOT, "digest", digest.encode(), clock.now_ns())
    _tell(frozen, digest, json=json)


@golden.command
def show(*, data: Data = None, tenant: Tenant = DEFAULT_TENANT, json: Json = False) -> None:
    """Show what is frozen, verified."""
    found = frozen_of(data, check_tenant(tenant))
    if found is None:
        raise RefusedError("golden_unknown", "no golden attacks are frozen")
    _tell(*found, json=json)


@golden.command
def check(*, model: Model = None, data: Data = None, tenant: Tenant = DEFAULT_TENANT, json: Json = False) -> None:
    """Tell how a model does on the golden attacks; ends with 3 when it may not serve."""
    from ostiary.risk.golden import judge  # noqa: PLC0415 - as above

    found = frozen_of(data, check_tenant(tenant))
    if found is None:
        raise RefusedError("golden_unknown", "no golden attacks are frozen")
    judged = judge(found[0], scorer_of(model, Places(data_dir(data)), tenant))
    if json:
        print_json({**msgspec.to_builtins(judged), "passed": judged.passed})
    else:
        out.print(f"{judged.caught:,} of {judged.attacks:,} golden attacks caught, {judged.floor:.1%} are wanted")
    if not judged.passed:
        missed = ", ".join(judged.missed_canaries) or "none of the canaries"
        raise RefusedError("golden_missed", f"it catches too little of the golden attacks; canaries missed: {missed}")


def frozen_of(data: Path | None, tenant: str) -> "tuple[Frozen, str] | None":
    """Return a tenant's golden attacks and their digest, verified; ``None`` when none were ever frozen.

    Raises:
        RefusedError: ``golden_missing``: they were frozen once and are not there, or are others.
    """
    from ostiary.risk.golden import KIND, thaw  # noqa: PLC0415 - as above

    places = Places(data_dir(data))
    if not holds_data(places, settings_of(data, None).settings.store):
        return None
    with open_data(data) as house:
        wanted = house.store.snapshots.load(tenant, SNAPSHOT, "digest")
    if wanted is None:
        return None
    if not places.golden(tenant).is_dir():
        raise RefusedError("golden_missing", f"`{places.golden(tenant)}` was there and is gone: freeze attacks anew")
    keys = trusted_model_keys(places, KeyRing(places.keys / "ring", SystemClock()), tenant)
    verified = verify_artifact(places.golden(tenant), keys, kind=KIND)
    if verified.digest != wanted.decode():
        raise RefusedError("golden_missing", "the golden attacks are not those that were frozen last")
    return thaw(verified.files), verified.digest


def demand_golden(trained: "Trained", data: Path | None, tenant: str) -> None:
    """Refuse a model that misses golden attacks, before it is written anywhere.

    Raises:
        RefusedError: ``golden_missed``, ``golden_missing``.
    """
    from ostiary.risk.golden import demand  # noqa: PLC0415 - as above
    from ostiary.risk.training.write import write_model  # noqa: PLC0415

    found = frozen_of(data, tenant)
    if found is None:
        return
    places, clock = Places(data_dir(data)), SystemClock()
    key = KeyRing(places.keys / "ring", clock).active(tenant, MODEL_PURPOSE)
    with tempfile.TemporaryDirectory() as passing:
        folder = Path(passing, "model")
        write_model(trained, folder, key, created_ns=clock.now_ns(), tenant=tenant)
        judged = demand(found[0], scorer_of(folder, places, tenant))
    err.print(f"{judged.caught:,} of {judged.attacks:,} golden attacks caught", markup=False)


def _tell(frozen: "Frozen", digest: str, *, json: bool) -> None:
    told = frozen.golden
    canaries = sum(attack.canary for attack in told.attacks)
    if json:
        print_json(
            {
                "digest": digest,
                "attacks": len(told.attacks),
                "canaries": canaries,
                "floor": told.floor,
                "model": told.model,
                "kinds": sorted({attack.kind for attack in told.attacks}),
            }
        )
        return
    out.print(f"{digest}: {len(told.attacks):,} attacks, {canaries} canaries, floor {told.floor:.1%}", markup=False)
    kinds: dict[str, int] = {}
    for attack in told.attacks:
        kinds[attack.kind] = kinds.get(attack.kind, 0) + 1
    print_table("golden attacks", ["kind", "attacks"], [{"kind": k, "attacks": n} for k, n in sorted(kinds.items())])
