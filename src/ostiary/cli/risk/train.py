"""``ostiary risk train``: learn a model from a history and sign it.

- The history is what came in signed batches of registered producers; a row that did not is refused.
- A file named with ``--events`` is the operator's own word: it trains, and the model's card says whose word it is.
- A model that misses what the golden attacks hold is not written (``cli/risk/golden.py``).
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from cyclopts import Parameter

from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.risk.golden import demand_golden
from ostiary.cli.risk.past import BELIEVING, Past, Trust, cut_of, past_of
from ostiary.cli.risk.shared import (
    Data,
    Json,
    MappingName,
    Tenant,
    check,
    need_extra,
    progress,
    scorer_of,
    verdict_numbers,
)
from ostiary.errors import OstiaryError
from ostiary.keys import KeyRing
from ostiary.server.places import DEFAULT_TENANT, Places, data_dir
from ostiary.server.wiring import MODEL_PURPOSE
from ostiary.signals.settled import DAYS
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.ids import check_tenant

if TYPE_CHECKING:
    from ostiary.risk.model import RiskModel
    from ostiary.risk.training.card import Card
    from ostiary.risk.training.train import TrainSettings

_MOST_CORES: Final = 8
_RANGES: Final = "--prior is between 0 and 1, --rounds from 1, --threads from 0"


@Parameter(name="*")
@dataclass(frozen=True)
class Standing:
    """What an attacker must not be able to do about the model."""

    hardened: Annotated[
        bool,
        Parameter(
            negative="", help="Look at nothing that added accesses can lower, and at no habit younger than two weeks."
        ),
    ] = False
    certifiable: Annotated[
        bool,
        Parameter(
            negative="",
            help="Look at nothing that an attacker may move his way, so that what is caught can be proven to stay so; "
            "implies --hardened.",
        ),
    ] = False
    settled_days: Annotated[
        float | None, Parameter(help="How old a habit must be to count. Default: 14 with --hardened, else 0.")
    ] = None


BARE: Final = Standing()


def train(
    *,
    events: Annotated[
        Path | None,
        Parameter(help="A file that you answer for, csv or jsonl, plain or gzip. Default: the signed history."),
    ] = None,
    mapping: MappingName = "",
    labels: Annotated[Path | None, Parameter(help="Verdicts: CSV with event_id,label (1 = not the subject).")] = None,
    until: Annotated[float | None, Parameter(help="Use only events before this Unix time.")] = None,
    out_folder: Annotated[
        Path | None, Parameter(name="--out", help="Where the model goes. Default: installed.")
    ] = None,
    previous: Annotated[
        Path | None,
        Parameter(
            help="Model whose scale of scores is kept, so that alert rates do not jump. Default: the replaced one."
        ),
    ] = None,
    fresh: Annotated[bool, Parameter(negative="", help="Keep no earlier model's scale.")] = False,
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    seed: Annotated[int, Parameter(help="Of everything random.")] = 7,
    prior: Annotated[float, Parameter(help="Share of accesses in other hands, as expected in life.")] = 0.001,
    rounds: Annotated[int, Parameter(help="Rounds of planted impostors.")] = 6,
    threads: Annotated[int, Parameter(help="Cores to use; more do not change the model. Default: all, 8 at most.")] = 0,
    standing: Standing = BARE,
    trust: Trust = BELIEVING,
    json: Json = False,
) -> None:
    """Learn from a history what a stolen account would look like in it; no labels are needed."""
    need_extra()
    from ostiary.risk.training.train import train as fit_model  # noqa: PLC0415 - the risk extra may be absent
    from ostiary.risk.training.write import check_place, write_model  # noqa: PLC0415

    places = Places(data_dir(data))
    folder = out_folder or places.model(tenant)
    check_place(folder)
    check(0 < prior < 1 and rounds >= 1 and threads >= 0, _RANGES)
    replaced = previous or (None if out_folder or not folder.exists() else folder)
    before_model = (
        None if fresh or replaced is None else _previous(replaced, places, tenant, asked=previous is not None)
    )
    history = past_of(events, mapping, data, tenant, until, trust)
    made = _settings(seed, prior, rounds, trust, history)
    settings = _shaped(made, threads, standing)
    told, verdicts = progress(), verdict_numbers(labels)
    trained = fit_model(history.events, verdicts, [history.source], settings, told, before_model, history.producers)
    demand_golden(trained, data, tenant)
    clock = SystemClock()
    key = KeyRing(places.keys / "ring", clock).active(check_tenant(tenant), MODEL_PURPOSE)
    digest = write_model(trained, folder, key, created_ns=clock.now_ns(), tenant=tenant)
    _tell_trained(folder, digest, key.kid, trained.card, json=json)


def _settings(seed: int, prior: float, rounds: int, trust: Trust, past: Past) -> "TrainSettings":
    from ostiary.risk.training.prepare import PrepareSettings  # noqa: PLC0415 - as above
    from ostiary.risk.training.sources import Caps  # noqa: PLC0415
    from ostiary.risk.training.train import TrainSettings  # noqa: PLC0415

    caps = Caps() if trust.capped else None
    prepare = PrepareSettings(rounds=rounds)
    return TrainSettings(seed=seed, prior=prior, cut=cut_of(trust, past), caps=caps, prepare=prepare)


def _shaped(made: "TrainSettings", threads: int, standing: Standing) -> "TrainSettings":
    """Return the settings with how trees are grown, and how old a habit must be."""
    from ostiary.risk.training.fit import FitSettings  # noqa: PLC0415 - as above

    hardened, days = standing.hardened or standing.certifiable, standing.settled_days
    cores = threads or min(_MOST_CORES, os.cpu_count() or 1)
    fit = FitSettings(threads=cores, hardened=hardened, certifiable=standing.certifiable)
    settled = (DAYS if hardened else 0.0) if days is None else days
    return msgspec.structs.replace(made, prepare=msgspec.structs.replace(made.prepare, settled_days=settled), fit=fit)


def _previous(folder: Path, places: Places, tenant: str, *, asked: bool) -> "RiskModel | None":
    """Return the model whose scale is kept; one that was not asked for and does not fit is told, and left."""
    try:
        return scorer_of(folder, places, tenant)
    except OstiaryError as fault:
        if asked:
            raise
        err.print(f"scores begin a new scale: {fault.message}", markup=False)
        return None


def _tell_trained(folder: Path, digest: str, kid: str, card: "Card", *, json: bool) -> None:
    if json:
        print_json({"folder": str(folder), "digest": digest, "kid": kid, "card": card})
        return
    out.print(f"{folder}: {digest}, {card.trees} trees, signed with {kid}", markup=False)
    rows = [
        {"on the later slice": name, **msgspec.to_builtins(figures)}
        for name, figures in (("accesses", card.events_figures), ("sessions", card.sessions_figures))
    ]
    columns = ["on the later slice", "rows", "positives", "roc_auc", "recall_at_1_percent", "recall_at_01_percent"]
    print_table("impostors injected into real behaviour", columns, rows)
