"""What the sub-verbs of ``ostiary approvals`` share: parameters, and how a proposal is told to a person."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from cyclopts import Parameter

from ostiary.cli.output import err, out, plain
from ostiary.cli.places import Config, Data, check_living, open_data
from ostiary.server.approving.shown import APPROVE, changes_shown, proposal_shown
from ostiary.server.step_up.party import step_up_base
from ostiary.server.wiring import House

ProposalId = Annotated[str, Parameter(help="The proposal's id, as listed.")]
Why = Annotated[str, Parameter(help="Why, for whoever must agree.")]
As = Annotated[str, Parameter(name="--as", help="The person in whose name you ask, as type:id.")]
KeyFile = Annotated[Path | None, Parameter(help="File with the administrator's key to ask as, instead of --as.")]
_NS: Final = 1_000_000_000


@contextmanager
def opened(data: Data, config: Config, tenant: str) -> Iterator[House]:
    """Open a data directory whose tenant is there."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        yield house


def link(house: House, tenant: str, proposal_id: str, **query: str) -> str:
    """Return the page's address, empty when this server has none."""
    base = step_up_base(house.settings)
    asked = {name: value for name, value in query.items() if value}
    return f"{base}{APPROVE}{tenant}/{proposal_id}{'?' + urlencode(asked) if asked else ''}" if base else ""


def told(house: House, tenant: str, proposal_id: str) -> dict[str, Any]:
    """Return a proposal as machines are told of it."""
    room = house.approvals.room
    standing = room.standing(tenant, proposal_id)
    url = link(house, tenant, proposal_id)
    return {**proposal_shown(standing), "changes": changes_shown(standing, room.law(tenant)), "url": url}


def say(one: dict[str, Any]) -> None:
    """Tell a person of a proposal."""
    lines = [
        f"{one['id']}  {one['kind']} of {one['target']}",
        f"  state     {one['state']}: {one['standing']}",
        f"  asked by  {one['proposer']} ({one['by'] or 'a room of Ostiary'}), {day(one['created_ns'])}",
        f"  why       {one['why'] or '-'}",
        f"  until     {day(one['expires_ns'])}",
        f"  words     {one['words']}",
        f"  digest    {one['digest']}",
    ]
    lines += [f"  made by   {name}" for name in one["authors"]]
    lines += [f"  changes   {two['what']}: {two['before']} -> {two['after']}" for two in one.get("changes", ())]
    lines += [f"  bound to  {name} = {value}" for name, value in sorted(one["bound"].items())]
    for voice in one["voices"]:
        hand = f" by the hand of {voice['signer']}" if voice["signer"] != voice["person"] else ""
        void = f" (does not count: {voice['void']})" if voice["void"] else ""
        word = "yes" if voice["decision"] == "approve" else "no"
        lines.append(f"  {word:<9} {voice['person']}{hand}, {day(voice['at_ns'])}{void}")
    for line in lines:
        out.print(plain(line), markup=False)


def loud(text: str) -> None:
    """Say something that nobody should miss."""
    err.print(plain(text), style="bold yellow", markup=False)


def day(at_ns: int) -> str:
    """Return a moment for people."""
    return datetime.fromtimestamp(at_ns // _NS, UTC).strftime("%Y-%m-%d %H:%M UTC")
