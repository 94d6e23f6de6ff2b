"""``ostiary biometrics status | forget | excuse``: who is watched, and how somebody is watched no more.

A running server sees what is done here within seconds.
"""

from typing import Annotated, Any

from cyclopts import Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Proposal, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError
from ostiary.server.deeds import COMMAND_LINE, record_about

Subject = Annotated[str, Parameter(help="The person, as type:id, such as user:ann.")]
Yes = Annotated[bool, Parameter(negative="", help="Do it: this cannot be undone.")]


def status(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """Say whether anybody is watched, how many agreed, and which models judge."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        counts = house.templates.counts(tenant)
        enabled = house.settings.biometrics.enabled
        rows = _models(house, tenant) if enabled else []
    told = {"tenant": tenant, "enabled": enabled, "people": counts.get("standing", 0), "models": rows}
    if json:
        print_json({**told, "templates": {part: count for part, count in counts.items() if _is_template(part)}})
        return
    out.print("behaviour is watched" if enabled else "behaviour is not watched: biometrics.enabled is off")
    out.print(f"{told['people']:,} people agreed or are excused", markup=False)
    if rows:
        table = [{**row, "templates": counts.get(row["modality"], 0)} for row in rows]
        print_table(f"models of {tenant}", ("modality", "model", "from", "templates"), table)


def forget(
    subject: Subject,
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Erase all that was made of how a person types and moves, and its agreement; the rest of the person stays."""
    _check(subject, yes=yes)
    with open_data(data, config) as house:
        check_living(house, tenant)
        record_about(subject, house, COMMAND_LINE, tenant, "biometrics.forget", {"subject": subject})
        had = house.templates.withdraw(tenant, subject)
    if json:
        print_json({"subject": subject, "had_agreed": had})
    else:
        out.print(f"nothing is known any more of how {subject} types and moves", markup=False)


def excuse(
    subject: Subject,
    *,
    end: Annotated[bool, Parameter(negative="", help="End it: the person may agree again.")] = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    yes: Yes = False,
    proposal: Proposal = "",
    json: Json = False,
) -> None:
    """Excuse a person who cannot type or point, or works with assistive technology: never watched, never judged by it.

    No reason is asked for. What was made of the person's behaviour so far is erased.
    """
    from ostiary.server.biometrics.excusing import excuse as excuse_  # noqa: PLC0415 - half a second

    _check(subject, yes=yes)
    with open_data(data, config) as house:
        check_living(house, tenant)
        excuse_(house, COMMAND_LINE, tenant, subject, proposal, end=end)
    if json:
        print_json({"subject": subject, "excused": not end})
    else:
        words = "may agree to be watched" if end else "is not watched"
        out.print(f"{subject} {words}", markup=False)


def _models(house: Any, tenant: str) -> list[dict[str, Any]]:
    from ostiary.biometrics.window import Modality  # noqa: PLC0415 - numpy, an extra

    found = []
    for modality in Modality:
        model = house.biometrics.models.model(tenant, modality)
        folder = house.biometrics.models.folder(tenant, modality)
        where = str(folder) if folder is not None else "shipped" if model is not None else "none"
        found.append({"modality": modality.value, "model": model.digest if model else "", "from": where})
    return found


def _is_template(part: str) -> bool:
    return part != "standing" and not part.endswith("-prints")


def _check(subject: str, *, yes: bool) -> None:
    kind, colon, name = subject.partition(":")
    if not colon or not kind or not name:
        raise FaultyInputError("subject_invalid", f"`{subject[:80]}` is not type:id, such as user:ann")
    if not yes:
        raise FaultyInputError("not_confirmed", "this cannot be undone: say `--yes`")
