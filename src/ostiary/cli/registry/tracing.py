"""``ostiary model lineage|refusals|own``: where models come from, what was refused, and Ostiary's own models."""

from typing import Annotated

from cyclopts import Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.registry.shared import Config, Data, Json, Tenant, opened, when
from ostiary.pipeline.registry.naming import check_name
from ostiary.server.lineage.chain import lineage_of
from ostiary.server.lineage.model_events import newest_events
from ostiary.server.model_cards.own import own_model, own_models

AnyName = Annotated[str, Parameter(help="Name of the model; left out: all of them.")]
Limit = Annotated[int, Parameter(help="How many, newest first.")]


def lineage(
    name: AnyName = "", *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Tell where a model, or everything that is live, comes from, and by which record that is known."""
    with opened(data, config, tenant) as house:
        found = lineage_of(house, tenant, check_name(name) if name else "")
    if json:
        print_json(found)
        return
    rows = [{"from": one.source, "what": one.what, "to": one.target, "known by": one.known_by} for one in found.links]
    print_table("lineage", ("from", "what", "to", "known by"), rows)
    for words in found.cut:
        out.print(words, markup=False)


def refusals(
    name: AnyName = "",
    *,
    limit: Limit = 50,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Tell what was refused of models, newest first, with the exact code and the decision."""
    with opened(data, config, tenant) as house:
        wanted = check_name(name) if name else ""
        found = newest_events(house, tenant, wanted, "refused", limit=max(1, limit)).found
    if json:
        print_json(list(found))
        return
    rows = [{**one, "when": when(one["at_ns"])} for one in found]
    print_table("refused", ("when", "action", "model", "number", "stage", "code", "decision_id"), rows)


def own(
    name: AnyName = "", *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Tell which of Ostiary's own models are there and verify; of one its card and kept figures."""
    with opened(data, config, tenant) as house:
        card = own_model(house, tenant, name) if name else None
        every = [] if name else own_models(house, tenant)
    if json:
        print_json(card or every)
        return
    if card is None:
        rows = [{"name": one.name, "state": one.state, "whose": one.whose, "digest": one.digest} for one in every]
        print_table("Ostiary's own models", ("name", "state", "whose", "digest"), rows)
        return
    out.print(f"{card.model.name}: {card.model.state} {card.model.digest}", markup=False)
    out.print(card.card or f"no card: {card.model.make}", markup=False)
