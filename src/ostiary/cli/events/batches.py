"""``ostiary events sign``, ``import --batch`` and ``quarantine``: signed batches, made, taken and refused.

- ``sign`` needs no data directory: it runs where the events are made. Its chain (number and digest of the last batch)
  lies beside the key, in ``KEY.chain``, so that the next batch follows the last.
- ``import --batch`` takes batches in the order of their names on the command line, and goes on after a refused one.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.defence.batches import MAX_BODY, MAX_EVENTS, MAX_HEAD, Place, read_batch, seal
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.keys import SigningKey
from ostiary.signals.formats import format_of
from ostiary.signals.pieces import Accepted, EventCounts
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.ids import check_tenant

if TYPE_CHECKING:
    from ostiary.server.wiring import House

_SHOWN: Final = 20

quarantine = App(name="quarantine", help="Refused batches: see them, let one in that enough people agreed to.")


class Chain(msgspec.Struct, frozen=True):
    """Where a producer's chain stands."""

    sequence: int = 0
    head: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """What became of one batch; ``code`` is empty for one that was taken."""

    file: str
    batch: str = ""
    producer: str = ""
    sequence: int = 0
    events: int = 0
    code: str = ""
    text: str = ""


def sign(
    file: Annotated[Path, Parameter(allow_leading_hyphen=True, help="Events; - is standard input.")],
    *,
    producer: Annotated[str, Parameter(help="The producer's registered name.")],
    key: Annotated[Path, Parameter(help="Its private key, PEM.")],
    out_file: Annotated[Path, Parameter(name="--out", help="Where the batch goes.")],
    format: Annotated[str, Parameter(name="--format", help="Format or mapping of the events.")] = "ostiary",  # noqa: A002
    chain: Annotated[Path | None, Parameter(help="Where the chain stands. Default: KEY.chain.")] = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Sign events into the next batch of a producer's chain; a record that is no event is left out and told."""
    place = chain or key.with_name(f"{key.name}.chain")
    stands = _chain(place)
    counts = EventCounts()
    body = b"".join(_lines(file, format, check_tenant(tenant), counts))
    where = Place(tenant, producer, stands.sequence + 1, stands.head)
    data = seal(_key(key, producer), where, body, time_ns=SystemClock().now_ns())
    batch = read_batch(data)
    _write(out_file, data)
    _write(place, msgspec.json.encode(Chain(batch.header.sequence, batch.digest)))
    told = Outcome(str(out_file), batch.digest, producer, batch.header.sequence, batch.header.count)
    if json:
        print_json({**msgspec.to_builtins(told), "rejected": counts.rejected})
    else:
        out.print(f"{out_file}: batch {told.sequence} with {told.events:,} events, {told.batch}", markup=False)


def import_batches(files: Sequence[Path], data: Path | None, tenant: str, *, json: bool) -> None:
    """Take batches into the history; ends with the exit code of the first refusal."""
    found: list[Outcome] = []
    worst = 0
    with open_data(data) as house:
        check_living(house, tenant)
        for file in files:
            outcome, code = _take(house, tenant, file)
            found.append(outcome)
            worst = worst or code
    if json:
        print_json({"tenant": tenant, "batches": found})
    else:
        for one in found:
            text = f"refused: {one.text} ({one.code})" if one.code else f"{one.events:,} events of {one.producer}"
            out.print(f"{one.file}: {text}", markup=False)
    if worst:
        sys.exit(worst)


@quarantine.command(name="list")
def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List refused batches; what lies here trains nothing."""
    from ostiary.server.batches import intake_of  # noqa: PLC0415 - half a second that not every verb needs

    with open_data(data, config) as house:
        check_living(house, tenant)
        intake = intake_of(house, tenant)
        kept, refused = intake.quarantine.all(), intake.refusals()
    if json:
        print_json({"refused": refused, "kept": kept})
        return
    rows = [{"digest": one.digest, "code": one.code, "producer": one.producer, "why": one.text} for one in kept]
    print_table(f"refused batches of {tenant}", ["digest", "code", "producer", "why"], rows)


@quarantine.command
def release(
    digest: Annotated[str, Parameter(help="Which batch, as `list` names it.")],
    *,
    proposal: Annotated[str, Parameter(help="The proposal `batch.release` that enough people agreed to.")],
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Let a refused batch in; what no known producer signed stays out, whoever agrees."""
    from ostiary.server.batches import release_batch  # noqa: PLC0415 - as above
    from ostiary.server.deeds import COMMAND_LINE  # noqa: PLC0415

    with open_data(data, config) as house:
        check_living(house, tenant)
        landed = release_batch(house, COMMAND_LINE, tenant, digest, proposal)
    if json:
        print_json(landed)
    else:
        out.print(f"{landed.events:,} events of {landed.producer} are in, by {landed.released}", markup=False)


def _take(house: "House", tenant: str, file: Path) -> tuple[Outcome, int]:
    from ostiary.server.batches import take_batch  # noqa: PLC0415 - as above
    from ostiary.server.deeds import COMMAND_LINE  # noqa: PLC0415

    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BODY + MAX_HEAD + 1)
        landed = take_batch(house, COMMAND_LINE, tenant, data)
    except OSError as fault:
        raise FaultyInputError("input_unreadable", f"`{file}` cannot be read") from fault
    except (RefusedError, FaultyInputError) as fault:
        return Outcome(str(file), code=fault.code, text=fault.message), _exit_code(fault)
    return Outcome(str(file), landed.batch, landed.producer, landed.sequence, landed.events), 0


def _exit_code(fault: OstiaryError) -> int:
    return type(fault).exit_code


def _lines(file: Path, form: str, tenant: str, counts: EventCounts) -> Iterable[bytes]:
    """Yield one line an event; more than a batch holds is refused."""
    for outcome in format_of(form).read(file, tenant):
        counts.count(outcome)
        if isinstance(outcome, Accepted):
            yield msgspec.json.encode(outcome.event) + b"\n"
        elif counts.rejected <= _SHOWN:
            err.print(f"{file}:{outcome.line}: {outcome.code}: {outcome.text}", markup=False)
        if counts.accepted > MAX_EVENTS:
            raise FaultyInputError("batch_too_large", f"a batch has at most {MAX_EVENTS} events: split the file")


def _chain(path: Path) -> Chain:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Chain)
    except FileNotFoundError:
        return Chain()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise FaultyInputError("chain_malformed", f"`{path}` does not say where the chain stands") from fault


def _key(path: Path, name: str) -> SigningKey:
    try:
        return SigningKey.from_pem(name, path.read_bytes())
    except OSError as fault:
        raise FaultyInputError("input_unreadable", f"`{path}` cannot be read") from fault


def _write(path: Path, data: bytes) -> None:
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as fault:
        raise FaultyInputError("output_unwritable", f"`{path}` cannot be written: {fault.strerror}") from fault
