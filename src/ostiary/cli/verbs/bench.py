"""``ostiary bench``: what things cost on this machine."""

import signal
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.relaunch import with_engine_environment
from ostiary.server.bench import peers, sides
from ostiary.server.bench import revocation as revocations
from ostiary.server.bench.decide import Options, Report, run

Way = Literal["embedded", "proxies", "replicas", "peers"]
command = App(name="bench", help="Measure what things cost on this machine.")


@command.command
def decide(
    *,
    json: Annotated[bool, Parameter(help="Print one JSON object with every figure.")] = False,
    decisions: Annotated[int, Parameter(help="Counted decisions in the process.")] = 2000,
    connections: Annotated[tuple[int, ...], Parameter(help="Closed loops over HTTP.")] = (1, 16, 64),
    seconds: Annotated[float, Parameter(help="Length of one round over HTTP.")] = 10.0,
    repeat: Annotated[int, Parameter(help="Rounds of each; the median counts.")] = 3,
    items: Annotated[int, Parameter(help="Questions in one body of `evaluations`; 0 leaves these out.")] = 20,
    memory: Annotated[int, Parameter(help="Decisions of the memory run; 0 leaves it out.")] = 0,
    model: Annotated[Path | None, Parameter(help="Folder of a signed model. Default: one learned on the spot.")] = None,
    train: Annotated[bool, Parameter(help="Learn a model when none is given; without one nothing is scored.")] = True,
    history: Annotated[int, Parameter(help="Past events that the profiles know.")] = 20_000,
    cores: Annotated[int, Parameter(help="Cores that server and client share.")] = 2,
    deadline: Annotated[float, Parameter(help="Seconds in which rounds are begun over HTTP, in all.")] = 600.0,
    anyway: Annotated[bool, Parameter(help="Count rounds that other programs disturbed.")] = False,
) -> None:
    """Measure one decision: in the process by stage, and over HTTP with durable records, with OPA alone beside it."""
    _begin()
    options = Options(
        decisions=decisions,
        connections=connections,
        seconds=seconds,
        repeat=repeat,
        items=items,
        memory_decisions=memory,
        model=model,
        train=train,
        history=history,
        cores=cores,
        deadline_s=deadline,
        anyway=anyway,
    )
    report = run(options, _tell)
    if json:
        print_json(report, indent=False)
    else:
        _show(report)


@command.command
def revocation(
    *,
    json: Annotated[bool, Parameter(help="Print one JSON object with every figure.")] = False,
    sessions: Annotated[int, Parameter(help="Live sessions.")] = 10_000,
    peps: Annotated[int, Parameter(help="Enforcement points, each a process with its own connection.")] = 4,
    count: Annotated[int, Parameter(help="Sessions that are ended, one after another.")] = 200,
    via: Annotated[
        Literal["signal", "admin"], Parameter(help="Another domain's signed signal, or an administrator.")
    ] = "signal",
) -> None:
    """Measure how long a session's end takes to reach enforcement: from the signal to the last one refusing."""
    _begin()
    options = revocations.Options(sessions=sessions, peps=peps, count=count, via=via)
    report = revocations.run(options, _tell)
    if json:
        print_json(report, indent=False)
        return
    row = {"p50 ms": report.p50_ms, "p99 ms": report.p99_ms, "max ms": report.max_ms, "signals": report.signals}
    title = f"{report.sessions} live sessions, {report.peps} enforcement points, ended by {report.injected}"
    print_table(title, tuple(row), [row])
    out.print(f"first of them {report.first_p50_ms} ms, caller answered {report.answered_p50_ms} ms", markup=False)
    out.print(f"each served {report.served_per_s}/s from {report.grants} grants; {report.machine}", markup=False)


@command.command(name="peers")
def compare(
    *,
    json: Annotated[bool, Parameter(help="Print one JSON object with every figure.")] = False,
    connections: Annotated[tuple[int, ...], Parameter(help="Closed loops over HTTP.")] = (1, 16, 64),
    seconds: Annotated[float, Parameter(help="Length of one round over HTTP.")] = 5.0,
    repeat: Annotated[int, Parameter(help="Rounds of each; the median counts.")] = 3,
    decisions: Annotated[int, Parameter(help="Decisions of a peer in the process.")] = 5000,
    cores: Annotated[int, Parameter(help="Cores that server and client share.")] = 2,
    deadline: Annotated[float, Parameter(help="Seconds in which rounds of one peer are begun.")] = 600.0,
    anyway: Annotated[bool, Parameter(help="Count rounds that other programs disturbed.")] = False,
) -> None:
    """Measure ours beside others' engines: OPA alone behind the same HTTP stack, and Cedar in the process."""
    _begin()
    options = peers.Options(
        connections=connections,
        seconds=seconds,
        repeat=repeat,
        decisions=decisions,
        cores=cores,
        deadline_s=deadline,
        anyway=anyway,
    )
    report = peers.run(options, _tell)
    if json:
        print_json(report, indent=False)
        return
    columns = ("peer", "connections", "per s", "p50 us", "p99 us", "cpu us", "does")
    rows = [
        {
            "peer": one.peer,
            "connections": one.connections or "in process",
            "per s": one.per_s,
            "p50 us": one.p50_us,
            "p99 us": one.p99_us,
            "cpu us": one.cpu_us,
            "does": one.does,
        }
        for one in report.figures
    ]
    print_table("side by side", columns, rows)
    for name, why in report.left_out.items():
        out.print(f"{name} was left out: {why}", markup=False)
    out.print(f"{report.machine}", markup=False)


@command.command(name="sides")
def side_by_side(
    *,
    json: Annotated[bool, Parameter(help="Print one JSON object with every figure.")] = False,
    ways: Annotated[tuple[Way, ...], Parameter(help="What to measure.")] = sides.WAYS,
    replicas: Annotated[tuple[int, ...], Parameter(help="How many servers share a database.")] = (1, 2, 3),
    connections: Annotated[int, Parameter(help="Connections of each way, in all.")] = 16,
    seconds: Annotated[float, Parameter(help="Length of one round.")] = 5.0,
    repeat: Annotated[int, Parameter(help="Rounds of each; the median counts.")] = 3,
    cores: Annotated[int, Parameter(help="Cores that all of it shares.")] = 2,
    deadline: Annotated[float, Parameter(help="Seconds in which rounds are begun, in all.")] = 900.0,
    anyway: Annotated[bool, Parameter(help="Count rounds that other programs disturbed.")] = False,
) -> None:
    """Measure one server beside proxies that ask it, replicas on PostgreSQL, and others' engines, in one run."""
    _begin()
    options = sides.Options(
        ways=ways,
        replicas=replicas,
        connections=connections,
        seconds=seconds,
        repeat=repeat,
        cores=cores,
        deadline_s=deadline,
        anyway=anyway,
    )
    report = sides.run(options, _tell)
    if json:
        print_json(report, indent=False)
        return
    base = next((one.per_s for one in report.sides if one.way == "embedded"), 0.0)
    rows = [
        {
            "way": one.way,
            "per s": one.per_s,
            "of embedded": f"{one.per_s / base:.2f}" if base else "",
            "p50 us": one.p50_us,
            "p99 us": one.p99_us,
            "cpu us": one.cpu_us,
            "errors": one.errors,
            "others": f"{one.others:.0%}",
            "does": one.does,
        }
        for one in report.sides
    ]
    print_table(f"side by side, {connections} connections", tuple(rows[0]) if rows else (), rows)
    for name, why in report.left_out.items():
        out.print(f"{name} was left out: {why}", markup=False)
    out.print(f"{report.machine}", markup=False)


def _begin() -> None:
    """Set the engine's environment; told to end, take down whatever was started, as at any other end."""
    with_engine_environment()
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


def _tell(text: str) -> None:
    err.print(text, style="dim", markup=False)


def _show(report: Report) -> None:
    stages = {**report.in_process.stages, "whole": report.in_process.whole, "OPA alone": report.in_process.opa_alone}
    stages |= {"without OPA": report.in_process.without_opa, "disk wait": report.in_process.durable_wait}
    rows = [{"stage": name, "p50 us": one.p50_us, "p99 us": one.p99_us} for name, one in stages.items()]
    print_table("in the process", ("stage", "p50 us", "p99 us"), rows)
    http = [
        {
            "connections": h.connections,
            "in a body": h.items,
            "decisions/s": h.per_s,
            "p50 us": h.p50_us,
            "p99 us": h.p99_us,
            "server cpu us": h.server_cpu_us,
            "client cpu us": h.client_cpu_us,
            "others": f"{max(one.others for one in h.rounds):.0%}",
            "denied": h.denied,
            "errors": h.errors,
        }
        for h in report.http
    ]
    print_table("over HTTP, each answer's record on disk first", tuple(http[0]) if http else (), http)
    threads = [{"connections": h.connections, "in a body": h.items, **h.threads_us} for h in report.http]
    columns = dict.fromkeys(name for row in threads for name in row)
    print_table(
        "server cpu us by what its threads do", tuple(columns), [dict.fromkeys(columns, 0.0) | row for row in threads]
    )
    out.print(f"{report.records} records in the log; client: {report.client}", markup=False)
    if report.memory_mib:
        out.print(f"resident MiB, first to last: {', '.join(map(str, report.memory_mib))}", markup=False)
    out.print(f"model {report.model or 'none'}; {report.machine}", markup=False)
