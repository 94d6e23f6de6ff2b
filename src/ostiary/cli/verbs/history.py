"""``ostiary history``: a history as Parquet, and what many workers do with it: replay, train, impact.

- ``export`` writes events in the order of time, in parts, with a list that is signed by this deployment.
- ``replay`` writes the features of every event, the same as online to the bit, and the profiles after the last; a run
  that was broken off goes on where it ended.
- ``train`` and ``impact`` are ``risk train`` and ``policy impact`` on many machines, with the same results.
- Progress goes to stderr, answers to stdout.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.history.shared import OpenScheduler, Place, Scheduler, Workers, ring_of, sharing, shelf_of
from ostiary.cli.impact.shared import AllSubjects, Days, From, Html, To, asked_span, limits_of
from ostiary.cli.impact.shared import tell as tell_impact
from ostiary.cli.output import err, out, print_json
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.cli.risk.golden import demand_golden
from ostiary.cli.risk.past import BELIEVING, OWN_WORD, past_of
from ostiary.cli.risk.shared import MappingName, need_extra, progress, reader_of, verdict_numbers
from ostiary.errors import FaultyInputError
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.places import Places, data_dir
from ostiary.server.wiring import MODEL_PURPOSE
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.ids import check_tenant

if TYPE_CHECKING:
    from ostiary.server.history.parts import Listed
    from ostiary.server.history.shelf import Shelf

command = App(name="history", help="History over many machines: export to Parquet, replay, train, impact.")


@command.command
def export(
    place: Place,
    /,
    *,
    events: Annotated[
        Path | None,
        Parameter(help="A file that you answer for, in the order of time. Default: the signed history."),
    ] = None,
    mapping: MappingName = "",
    part_events: Annotated[int, Parameter(help="Events in a part: what one worker does at a time.")] = 100_000,
    data: Data = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Write a history as Parquet, with a signed list of its parts."""
    shelf, ring = shelf_of(place), ring_of(data)
    from ostiary.server.history.parts import export as write  # noqa: PLC0415 - the history extra may be absent

    if events is None:
        past = past_of(None, mapping, data, tenant, None, BELIEVING)
        ordered = sorted(past.events, key=lambda event: event.time_ns)
        listed = write(shelf, ring, check_tenant(tenant), ordered, lambda: past.source, part_events)
    else:
        reader = reader_of(events, mapping, tenant)
        listed = write(shelf, ring, check_tenant(tenant), reader, lambda: reader.source(OWN_WORD), part_events)
    if json:
        print_json({"place": shelf.address, "events": listed.events, "parts": listed.parts})
    else:
        out.print(f"{shelf.address}: {listed.events:,} events in {len(listed.parts):,} parts", markup=False)


@command.command
def replay(
    place: Place,
    /,
    *,
    workers: Workers = 2,
    scheduler: Scheduler = "",
    open_scheduler: OpenScheduler = False,
    data: Data = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Write the features of every event, each from what came before it, and the profiles after the last.

    What an earlier run has done is not done again.
    """
    shelf, ring = shelf_of(place), ring_of(data)
    from ostiary.server.history.replaying import replay_history  # noqa: PLC0415 - as above

    with sharing(workers, scheduler, open_scheduler=open_scheduler) as client:
        found = replay_history(shelf, ring, check_tenant(tenant), client, progress())
    if found.resumed:
        err.print(f"{found.resumed:,} parts were done by an earlier run", markup=False)
    if json:
        print_json(found)
    else:
        out.print(f"{shelf.address}/{found.run}: features of {found.events:,} events", markup=False)


@command.command
def train(
    place: Place,
    /,
    *,
    labels: Annotated[Path | None, Parameter(help="Verdicts: CSV with event_id,label (1 = not the subject).")] = None,
    out_folder: Annotated[
        Path | None, Parameter(name="--out", help="Where the model goes. Default: installed.")
    ] = None,
    seed: Annotated[int, Parameter(help="Of everything random.")] = 7,
    prior: Annotated[float, Parameter(help="Share of accesses in other hands, as expected in life.")] = 0.001,
    rounds: Annotated[int, Parameter(help="Rounds of planted impostors.")] = 6,
    threads: Annotated[int, Parameter(help="Cores of this machine that grow trees.")] = 1,
    workers: Workers = 2,
    scheduler: Scheduler = "",
    open_scheduler: OpenScheduler = False,
    data: Data = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Train as ``risk train`` does, with the rounds of impostors on many workers; the model is the same."""
    need_extra()
    shelf, ring = shelf_of(place), ring_of(data)
    from ostiary.risk.training.pool import spread_by  # noqa: PLC0415 - as above
    from ostiary.risk.training.train import train as fit_model  # noqa: PLC0415
    from ostiary.risk.training.write import check_place, write_model  # noqa: PLC0415
    from ostiary.server.history.rounds import spread_over  # noqa: PLC0415

    folder = out_folder or Places(data_dir(data)).model(check_tenant(tenant))
    check_place(folder)
    listed, events = _past(shelf, data, tenant)
    settings = _settings(seed, prior, rounds, threads)
    with sharing(workers, scheduler, open_scheduler=open_scheduler) as client, spread_by(spread_over(client)):
        trained = fit_model(events, verdict_numbers(labels), [listed.source], settings, progress())
    demand_golden(trained, data, tenant)
    clock = SystemClock()
    digest = write_model(trained, folder, ring.active(tenant, MODEL_PURPOSE), created_ns=clock.now_ns(), tenant=tenant)
    told = {"folder": str(folder), "digest": digest, "events": len(events), "card": msgspec.to_builtins(trained.card)}
    if json:
        print_json(told)
    else:
        out.print(f"{folder}: {digest}, {trained.card.trees} trees", markup=False)


@command.command
def impact(
    *,
    bundle: Annotated[Path | None, Parameter(help="Candidate bundle, a folder or OPA archive.")] = None,
    model: Annotated[
        Path | None, Parameter(help="Folder of a candidate model, in the same place on each worker.")
    ] = None,
    days: Days = None,
    from_: From = "",
    to: To = "",
    all_subjects: AllSubjects = False,
    workers: Workers = 2,
    scheduler: Scheduler = "",
    open_scheduler: OpenScheduler = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
    html: Html = False,
) -> None:
    """Replay the decision log against a candidate as ``policy impact`` does, with its records on many workers."""
    if (bundle is None) == (model is None):
        raise FaultyInputError("option_invalid", "name a candidate: --bundle or --model")
    from ostiary.server.impact.run import model_impact, policy_impact  # noqa: PLC0415 - half a second
    from ostiary.server.impact.workers import studied_by  # noqa: PLC0415

    with open_data(data, config) as house, sharing(workers, scheduler, open_scheduler=open_scheduler) as client:
        from ostiary.server.history.studies import study_over  # noqa: PLC0415 - the history extra may be absent

        check_living(house, tenant)
        span = asked_span(house.clock.now_ns(), days, from_, to, all_subjects=all_subjects)
        with studied_by(study_over(client)):
            if bundle is not None:
                kept = policy_impact(house, COMMAND_LINE, tenant, bundle, span, limits_of(1))
            else:
                kept = model_impact(house, COMMAND_LINE, tenant, model or Path(), span, limits_of(1))
    tell_impact(kept, json=json, html=html)


def _past(shelf: "Shelf", data: Path | None, tenant: str) -> "tuple[Listed, list[Any]]":
    from ostiary.server.history.parts import list_of  # noqa: PLC0415 - the history extra may be absent
    from ostiary.server.history.rounds import events_of  # noqa: PLC0415

    listed = list_of(shelf, ring_of(data), tenant)
    return listed, events_of(shelf, listed)


def _settings(seed: int, prior: float, rounds: int, threads: int) -> Any:
    from ostiary.risk.training.fit import FitSettings  # noqa: PLC0415 - the risk extra may be absent
    from ostiary.risk.training.prepare import PrepareSettings  # noqa: PLC0415
    from ostiary.risk.training.train import TrainSettings  # noqa: PLC0415

    if not 0 < prior < 1 or rounds < 1 or threads < 1:
        raise FaultyInputError("option_invalid", "--prior is between 0 and 1, --rounds and --threads from 1")
    return TrainSettings(
        seed=seed, prior=prior, prepare=PrepareSettings(rounds=rounds), fit=FitSettings(threads=threads)
    )
