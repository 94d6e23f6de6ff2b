"""``ostiary access``: ask for access that was denied, list and show requests, answer them, take grants back.

ostiary access request dec_01HX… --reason "the customer's renewal is today" --hours 2
ostiary access list
ostiary access revoke agr_01HX…
"""

from typing import Annotated, Final

from cyclopts import App, Parameter

from ostiary.approvals.glass import SECOND_NS
from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import RefusedError
from ostiary.identity.types import PepIdentity
from ostiary.server.access.answering import answer_by, settle
from ostiary.server.access.answering import revoke as revoke_one
from ostiary.server.access.asking import Submission, hint_ends, submit
from ostiary.server.access.shown import RequestShown, grant_shown, request_shown
from ostiary.server.deeds import COMMAND_LINE

_HOUR_NS: Final = 3600 * SECOND_NS
_COLUMNS: Final = ("id", "status", "subject", "action", "resource", "until", "reason", "proposal")
_GRANT_COLUMNS: Final = ("id", "status", "subject", "action", "resource", "until", "by")

command = App(name="access", help="Access that was denied: ask for it, answer, take it back.")

RequestId = Annotated[str, Parameter(help="Id of the request.")]


@command.command(name="request")
def request_(
    evaluation: Annotated[str, Parameter(help="Id of the denial (`context.evaluation_id`).")],
    *,
    reason: Annotated[str, Parameter(help="Why, in one line.")],
    hours: Annotated[float, Parameter(help="For how long. Default: as long as may be.")] = 0,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Ask for what a decision denied, in the name of the enforcement point that got it."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        record = house.response.find_decision(tenant, evaluation)
        if record is None:
            raise RefusedError("invalid_denial_binding", "this does not belong to a denial of yours")
        pep = PepIdentity(pep_id=record.pep, tenant=tenant, subjects="token", method="")
        until_ns = house.clock.now_ns() + round(hours * _HOUR_NS) if hours else 0
        ends = hint_ends(record, house.settings.access_requests.hint_s)
        made = submit(house, pep, Submission(evaluation, ends, None, until_ns, reason))
        shown = request_shown(made, house.access.book.answer(tenant, made.id), house.clock.now_ns())
    _tell(shown, json=json)


@command.command(name="list")
def list_(
    *,
    grants: Annotated[bool, Parameter(negative="", help="List what was granted instead.")] = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """List the requests, newest first; with --grants what was granted."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        book, now_ns = house.access.book, house.clock.now_ns()
        given = [grant_shown(one, book.revoked(tenant, one.id), now_ns) for one in book.grants(tenant)]
        asked = [request_shown(one, book.answer(tenant, one.id), now_ns) for one in reversed(book.requests(tenant))]
    if json:
        print_json(given if grants else asked)
    elif grants:
        rows: list[dict[str, object]] = [{name: getattr(one, name) for name in _GRANT_COLUMNS} for one in given]
        print_table("access that was granted", _GRANT_COLUMNS, rows)
    else:
        print_table("access requests", _COLUMNS, [{name: getattr(one, name) for name in _COLUMNS} for one in asked])


@command.command
def show(
    request: RequestId,
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Show one request, as people have answered it by now."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        found = house.access.book.request(tenant, request)
        shown = request_shown(found, settle(house, found), house.clock.now_ns())
    _tell(shown, json=json)


@command.command
def grant(
    request: RequestId,
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Grant one as the one administrator; where the tenant has people, they agree to it instead."""
    _answer(request, data=data, config=config, tenant=tenant, grants=True, json=json)


@command.command
def deny(
    request: RequestId,
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Say no to one; one person is enough."""
    _answer(request, data=data, config=config, tenant=tenant, grants=False, json=json)


@command.command
def revoke(
    grant: Annotated[str, Parameter(help="Id of the grant.")],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
) -> None:
    """Take a grant back; the next decision does not know it."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        revoke_one(house, COMMAND_LINE, tenant, grant)
    out.print(f"{grant} holds no more", markup=False)


def _answer(request: str, *, data: Data, config: Config, tenant: str, grants: bool, json: bool) -> None:
    with open_data(data, config) as house:
        check_living(house, tenant)
        answered = answer_by(house, COMMAND_LINE, tenant, request, grants=grants)
        shown = request_shown(house.access.book.request(tenant, request), answered, house.clock.now_ns())
    _tell(shown, json=json)


def _tell(shown: RequestShown, *, json: bool) -> None:
    if json:
        print_json(shown)
        return
    grant = f", {shown.grant} until {shown.until}" if shown.grant else ""
    out.print(f"{shown.id} is {shown.status}: {shown.subject} {shown.action} {shown.resource}{grant}", markup=False)
