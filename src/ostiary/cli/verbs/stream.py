"""``ostiary stream``: what of the log is told to whom, and whether what was received is whole."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError, VerificationError
from ostiary.response.streams.checking import MAX_LINE, StreamCheck

command = App(name="stream", help="Streams of numbered events to the outside: list them, check what was received.")


class StreamShown(msgspec.Struct, frozen=True):
    """How one stream stands; ``sequence`` is 0 before its first turn."""

    name: str
    contents: tuple[str, ...]
    stream: int
    sequence: int
    behind: int
    dead: int
    fault: str


@command.command(name="list")
def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List a tenant's streams: how far each came, how many entries of the log it has not looked at, and its fault."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        dead = [letter.sink for letter in house.response.outbox.dead(tenant)]
        found = []
        for one in house.streams:
            cursor = one.cursor()
            if one.tenant != tenant:
                continue
            stream, sequence, fault = (cursor.stream, cursor.sequence, cursor.fault) if cursor else (1, 0, "")
            found.append(
                StreamShown(
                    one.name, one.plan.contents, stream, sequence, one.behind(), dead.count(one.name), fault
                )
            )  # fmt: skip
    if json:
        print_json(found)
    else:
        rows = [{**msgspec.structs.asdict(one), "contents": " ".join(one.contents)} for one in found]
        print_table("streams", ("name", "contents", "stream", "sequence", "behind", "dead", "fault"), rows)


@command.command
def check(
    *files: Annotated[Path, Parameter(allow_leading_hyphen=True, help="Received events, one a line; `-` is stdin.")],
    json: Json = False,
) -> None:
    """Prove that received events are whole: by source, numbers that are missing, repeated or contradicted.

    Exit code 5 when something is missing or contradicted.
    """
    checked = StreamCheck()
    for path in files or (Path("-"),):
        try:
            with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
                checked.take_lines(iter(lambda: file.readline(MAX_LINE + 1), b""))
        except OSError as fault:
            raise FaultyInputError("file_unreadable", f"`{str(path)[:200]}` cannot be read") from fault
    found = checked.report()
    if json:
        print_json(found)
    else:
        for one in found:
            holes = (
                ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in one.missing) or "none"
            )
            told = f"{one.source}: {one.received} received, last {one.last}, missing {holes}, {one.repeated} repeated"
            wrong = f", contradicted {', '.join(map(str, one.contradicted))}" if one.contradicted else ""
            out.print(told + wrong, markup=False)
    if not checked.whole:
        raise VerificationError("stream_not_whole", "events are missing or contradict each other")
