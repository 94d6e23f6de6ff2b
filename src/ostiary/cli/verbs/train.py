"""``ostiary train``: run a training in a sandbox, try the sandbox, show what ran.

    ostiary train run --pipeline churn --dataset sales --code . -- python3 train.py

The command sees its code at ``/workspace``, each dataset at ``/data/NAME``, and leaves files in ``/outputs``. It may
call whom policy lists, by the proxy that ``https_proxy`` names, and nobody else.
"""

import sys
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from ostiary.cli import train_convert, train_proxy, train_render
from ostiary.cli.output import err, out, plain, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, open_data
from ostiary.errors import FaultyInputError
from ostiary.pipeline.training.course import Finished, Wanted
from ostiary.pipeline.training.egress import parse_target
from ostiary.pipeline.training.environment import Environment, refuse_own, system, with_folder
from ostiary.pipeline.training.record import RunRecord
from ostiary.pipeline.training.saying import Said
from ostiary.pipeline.training.staging import Code, code_of
from ostiary.pipeline.training.trying_out import try_out
from ostiary.server.places import data_dir
from ostiary.server.training.authority import HouseAuthority
from ostiary.server.training.runs import builder_of, limits_of, open_course, run_of, runs_of
from ostiary.vocabulary.entities import Subject

command = App(name="train", help="Training runs: in a sandbox with one way out, on record.")
train_convert.mount(command)
train_proxy.mount(command)
train_render.mount(command)

_COLUMNS: Final = ("run", "phase", "pipeline", "status", "datasets", "connections", "outputs", "code")


@command.command
def run(
    *words: Annotated[str, Parameter(help="The command, after `--`.", allow_leading_hyphen=True)],
    pipeline: Annotated[str, Parameter(help="The training resource that it belongs to, as the catalogue knows it.")],
    dataset: Annotated[tuple[str, ...], Parameter(negative="", help="A dataset that it reads; can be repeated.")] = (),
    egress: Annotated[
        tuple[str, ...],
        Parameter(
            negative="", help="HOST:PORT that it wants to call; can be repeated. Default: all that policy lists."
        ),
    ] = (),
    no_egress: Annotated[bool, Parameter(negative="", help="It wants to call nobody.")] = False,
    code: Annotated[Path | None, Parameter(help="Folder of its code; of a repository, a commit is shown.")] = None,
    commit: Annotated[str, Parameter(help="Commit of that code. Default: HEAD.")] = "",
    environment: Annotated[
        tuple[Path, ...], Parameter(negative="", help="A folder to show beside /usr, such as a virtual environment.")
    ] = (),
    image: Annotated[str, Parameter(help="Digest of the image that the environment came from; recorded as told.")] = "",
    variable: Annotated[tuple[str, ...], Parameter(negative="", help="NAME=VALUE for its environment.")] = (),
    subject: Annotated[str, Parameter(help="Who starts it, as type:id. Default: whom the token is about.")] = "",
    token_file: Annotated[Path | None, Parameter(help="File with the token of whoever starts it.")] = None,
    dry_run: Annotated[bool, Parameter(negative="", help="Decide and show; run nothing.")] = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Run a command in the training sandbox."""
    if egress and no_egress:
        raise FaultyInputError("egress_malformed", "`--egress` and `--no-egress` contradict each other")
    asked = tuple(parse_target(one) for one in egress) if egress or no_egress else None
    own = data_dir(data)
    wanted = Wanted(
        pipeline=pipeline,
        command=words,
        environment=_environment(environment, image, own),
        code=_code(code, commit, own) if code else None,
        datasets=dataset,
        egress=asked,
        variables=_variables(variable),
    )
    with open_data(data, config) as house:
        authority = HouseAuthority(house, tenant, _subject(subject), _token(token_file))
        course = open_course(house, tenant, authority, on_fault=_fault)
        if dry_run:
            _show(course.rehearse(wanted), json=json)
            return
        said = Said(limits_of(house.settings.training).said_bytes, _echo)
        finished = course.run(wanted, _progress, said)
    _show_end(finished, json=json)


@command.command
def probe(*, data: Data = None, config: Config = None, json: Json = False) -> None:
    """Start a sandbox, try to break out of it in every way that a start does, and show what held."""
    with open_data(data, config) as house:
        settings = house.settings.training
        start = try_out(limits_of(settings), settings.cgroup, str(settings.bubblewrap or ""))
    if json:
        print_json(start)
        return
    rows = [{"probe": one.name, "verdict": one.verdict, "how": one.words} for one in start.probes]
    print_table("attempts to break out", ("probe", "verdict", "how"), rows)
    limits = ", ".join(f"{name}: {how}" for name, how in sorted(start.limits.items()))
    out.print(f"{len(rows)} attempts held in {start.probes_ms} ms; limits by {limits}", markup=False)


@command.command(name="list")
def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List a tenant's runs, oldest first."""
    with open_data(data, config) as house:
        found = runs_of(house, tenant)
    if json:
        print_json(found)
        return
    counted = ("datasets", "connections", "outputs")
    rows = [{**one, **{name: len(one.get(name, ())) for name in counted}} for one in found]
    print_table("training runs", _COLUMNS, rows)


@command.command
def show(
    run_id: Annotated[str, Parameter(help="The run's id.")],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Show one run: what it was made of, what held it, whom it called, what it left."""
    with open_data(data, config) as house:
        found = run_of(house, tenant, run_id)
    if json:
        print_json(found)
        return
    for name, value in found.items():
        if name != "connections":
            out.print(f"{name}: {plain(str(value))}", markup=False)
    print_table(
        "connections", ("host", "port", "sni", "bytes_up", "bytes_down", "verdict"), found.get("connections", ())
    )


@command.command
def builder(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """Show by what name and key this runner signs provenance: what a registry must know to believe it."""
    with open_data(data, config) as house:
        name, keys = builder_of(house, tenant)
    if json:
        print_json({"id": name, "keys": keys})
        return
    out.print(name, markup=False)
    for key in keys:
        out.print(key.rstrip(), markup=False)


def _code(folder: Path, commit: str, own: Path) -> Code:
    found = code_of(folder, commit)
    place = own.resolve()
    hidden = place.is_relative_to(found.folder) and any(
        one.startswith(".") for one in place.relative_to(found.folder).parts
    )
    if not found.commit and not hidden:  # neither a commit nor a copy holds what is hidden
        refuse_own(folder, own)
    return found


def _environment(folders: tuple[Path, ...], image: str, own: Path) -> Environment:
    found = system()
    for folder in folders:
        refuse_own(folder, own)
        found = with_folder(found, folder)
    return Environment(found.name, found.mounts, found.python, found.links, found.variables, image)


def _variables(told: tuple[str, ...]) -> dict[str, str]:
    found = dict(one.partition("=")[::2] for one in told if "=" in one[1:])
    if len(found) != len(told):
        raise FaultyInputError("training_command_malformed", "a variable is given as NAME=VALUE, each name once")
    return found


def _token(place: Path | None) -> str:
    if place is None:
        return ""
    try:
        return place.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise FaultyInputError("token_unreadable", "the file of the token cannot be read") from fault


def _subject(text: str) -> Subject | None:
    if not text:
        return None
    kind, colon, name = text.partition(":")
    if not colon or not kind or not name:
        raise FaultyInputError("request_invalid", f"`{text[:80]}` is no subject: give it as type:id")
    return Subject(kind, name)


def _progress(word: str) -> None:
    err.print(f"{word} …", style="dim", markup=False)


def _echo(data: bytes) -> None:
    err.print(plain(data.decode("utf-8", "replace")), end="", markup=False)


def _fault(reason: str, fault: BaseException) -> None:
    err.print(f"{reason}: {fault}", style="yellow", markup=False)


def _show(record: RunRecord, *, json: bool) -> None:
    if json:
        print_json(record.document())
        return
    allowed = ", ".join(record.egress) or "nobody"
    out.print(f"the run would be allowed (decision {record.decision_id}) and may call {allowed}", markup=False)


def _show_end(finished: Finished, *, json: bool) -> None:
    record = finished.record
    if json:
        print_json({**record.document(), "folder": str(finished.folder)})
    else:
        how = "was ended for its time" if record.timed_out else f"ended with {record.status}"
        calls, left = len(record.connections), len(record.outputs)
        out.print(
            f"{record.run} {how}; {calls} connections, {record.bytes_up} bytes sent, {left} outputs", markup=False
        )
        out.print(f"all of it is in {finished.folder}", markup=False)
    if record.status:
        sys.exit(1)
