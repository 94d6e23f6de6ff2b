"""The campaign's report: data as JSON, and the page that is made of it."""

import statistics
import textwrap
from collections import defaultdict
from datetime import date
from typing import Final

import msgspec
from benchmarks.faults.campaign import Injected, Plan, Result


class Report(msgspec.Struct, frozen=True):
    """One campaign, with where and when it ran."""

    on: date
    plan: Plan
    machine: dict[str, str]
    result: Result


WORDS: Final[dict[str, str]] = {
    "clock_ahead": "the wall clock jumps ahead, by 5 seconds to 400 days, and back again",
    "clock_back": "the wall clock jumps back, and ahead again",
    "database_page": "in a copy: a record changed, a page wiped, an older copy put back; it must not verify",
    "disk_full": "the disk has 0 bytes to 12 MiB left: nothing may be allowed",
    "issuer_keys_gone": "an issuer's key set is empty: its tokens must not be believed",
    "kill_both": "`kill -9` of supervisor and worker",
    "kill_supervisor": "`kill -9` of the supervisor",
    "kill_worker": "`kill -9` of the worker",
    "kill_worker_twice": "`kill -9` of the worker, and of its successor while it starts",
    "log_key": "the log's signing key is damaged: the worker must not start, and say so",
    "master_key": "the vault's master key is damaged: likewise",
    "network_cut": "connections are reset, and new ones too",
    "network_lossy": "connections break in the middle of a question or an answer",
    "network_silent": "nothing is passed on in either direction",
    "network_slow": "each piece of a question or an answer is late",
    "no_space": "writes to the database fail with ENOSPC",
    "policy_bundle": "a broken policy is loaded: it must be refused, and the old one stay in force",
    "postgres_cut_off": "the link to PostgreSQL resets, is silent or slow",
    "packets_lost": "5 to 40 % of the packets are lost between two network namespaces, on the way of some callers, of "
    "PostgreSQL or of Valkey",
    "postgres_failover": "PostgreSQL crashes for good; a restored copy that held every commit takes its place",
    "postgres_restart": "PostgreSQL crashes (immediate) and starts again",
    "postgres_stopped": "every process of PostgreSQL stands still",
    "replica_cut_off": "one of two replicas is cut off from PostgreSQL, for up to 6 seconds: the other goes on",
    "replica_killed": "`kill -9` of one of two replicas",
    "replica_stopped": "one of two replicas stands still for up to 6 seconds, past its lease on the log",
    "replace_and_kill": "a worker is replaced (SIGHUP), and one is killed in between",
    "replace_worker": "a worker is replaced (SIGHUP)",
    "settings": "the settings are damaged: a worker must not start by them, and say so",
    "slow_disk": "each call of the database to the disk takes 20 to 400 ms longer",
    "stop_supervisor": "the supervisor stands still (SIGSTOP) while its worker dies",
    "stop_worker": "the worker stands still (SIGSTOP) for up to 3 seconds",
    "sync_fails": "syncs of the database fail with EIO",
    "terminate": "told to end (SIGTERM); the service manager starts it again",
    "torn_write": "the worker dies after half of a write to the database",
    "valkey_crash": "Valkey is killed with all it knew, and starts again empty",
    "valkey_cut_off": "the link to Valkey resets, is silent or slow",
    "valkey_flushed": "Valkey forgets everything",
    "wire_pulled": "the wire between two network namespaces is pulled, and put in again",
    "write_fails": "writes to the database fail with EIO",
}
_HEAD: Final = """# The fault campaign

What becomes of Ostiary when what is below it breaks? A driver with a seed serves a real `ostiary up`, embedded or on a
real PostgreSQL and Valkey, to callers of two tenants who ask, administrators who end sessions and remove enforcement
points, and others who pry. It injects one fault after another, and checks after each one what must always hold:

    python -m benchmarks.fault_campaign --backing {backing} --faults {faults} --per-deployment {each} \\
        --seed {seed} --within {within:.0f} --report {path}
    python -m benchmarks.fault_campaign --render

The second command wrote this page, from the report that the first one wrote.

## What must hold

An independent bookkeeper writes every answer down as its caller got it. It knows of each question, by a table that was
written by hand (`benchmarks/faults/scene.py`), the loosest answer that is right.

- **Nothing is lost.** Each answer that names a decision has its record in the verified log, of the same tenant and with
  the same effect; so has each act that was acknowledged to an administrator. On PostgreSQL, where a record is handed
  over to the one that writes the log, it has its place there within 20 seconds (the last reading that may find it
  begins after them, for reading takes its time as well); elsewhere at once.
- **Nothing is doubled.** No decision has two records; no question has two, answered or not; no decision is told twice.
- **No fork.** Each verification continues what the one before remembered; every 25th reads the whole log again, and
  `ostiary audit verify` has the last word.
- **Nothing is loosened.** No answer is looser than the table says. None allows in a session, or by a token, whose end
  was acknowledged before it was asked; none allows while the disk is full.
- **Nothing crosses.** What one tenant's administrator is shown is never of the other; about the other's things it is
  answered as about unknown ones.
- **Nothing is silent.** What was damaged is refused aloud.
- **It comes back by itself.** Within {within:.0f} seconds from the end of the fault every tenant's callers are allowed
  again what they may do. A service manager stands by, as systemd does, and nobody else.

The first one that breaks ends the campaign, with the seed and the step.

## What came of it

"""
_TAIL: Final = """
## How faults are made

Processes are killed and stopped by signals. The data lies on a tmpfs that is made smaller (root alone may mount one).
A small library that is compiled at the start, `benchmarks/faults/shim.c`, stands between the server and its disk and
clock by `LD_PRELOAD`: it fails, delays or cuts short chosen calls on chosen files, and moves the wall clock while the
monotonic one goes on, as a real jump does. A third of askers come over a link of `ostiary.testing.flaky_link`, which
resets, holds back, delays, or breaks in the middle of whatever it carries. That link, and those to PostgreSQL and
Valkey, cross a pair of interfaces into a network namespace of their own (root alone may make one, and `nft` must be
installed), where netfilter drops packets by chance and interfaces are pulled. At a failover PostgreSQL's copy is made
by `pg_basebackup` and follows it, with every commit in both, until the first one dies. A tmpfs keeps what a killed
process wrote, as any disk does; what a power cut takes from a disk that lies about its syncs is not tried here.
"""
_BACKING: Final = {
    "embedded": "Every deployment was embedded.",
    "large": "Every deployment stood on PostgreSQL 18 and Valkey.",
    "both": "Every second deployment stood on PostgreSQL 18 and Valkey, the others on their own files.",
}
PATH: Final = "benchmarks/reports/fault_campaign.json"


def render(report: Report) -> str:
    """Return the page."""
    plan, result = report.plan, report.result
    head = _HEAD.format(
        faults=plan.faults,
        seed=plan.seed,
        within=plan.within_s,
        path=PATH,
        backing=plan.backing,
        each=plan.per_deployment,
    )
    parts = [head, _summary(report), "\n", _table(result.injected), _skipped(result), _TAIL]
    return "".join(parts)


def _summary(report: Report) -> str:
    result, counts, machine = report.result, report.result.counts, report.machine
    verdict = f"Broken: {result.broken}." if result.broken else "Every invariant held."
    sentences = [
        f"On {report.on}, with seed {report.plan.seed}, {len(result.injected)} faults were injected in",
        f"{result.seconds / 60:.0f} minutes. **{verdict}**",
        f"{counts.get('answered', 0):,} answers were written down, {counts.get('allowed', 0):,} of them permissions;",
        f"{counts.get('unanswered', 0):,} questions were never answered. The logs had {result.log_entries:,} entries.",
        f"{counts.get('ends_acknowledged', 0):,} sessions and subjects were ended, and tried again and again.",
        f"{counts.get('shown', 0):,} rows were looked at, and {counts.get('foreign_asked', 0):,} times somebody asked",
        f"for what was not theirs. {_BACKING[report.plan.backing]} Servers were started {result.starts} times.",
        f"The machine had {machine['cores']} cores, shared with other work (load {machine['load_before_and_after']}",
        "before and after); times of recovery are of that machine.",
    ]
    return textwrap.fill(" ".join(sentences), 118) + "\n"


def _table(injected: list[Injected]) -> str:
    times: dict[str, list[float]] = defaultdict(list)
    for one in injected:
        times[one.kind].append(one.recovery_s)
    rows = [
        f"| `{kind}` | {WORDS[kind]} | {len(took)} | {statistics.median(took):.1f} | {max(took):.1f} |"
        for kind, took in sorted(times.items())
    ]
    lines = ["| fault | what happens | times | back after, median s | longest s |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*lines, *rows]) + "\n"


def _skipped(result: Result) -> str:
    done = {one.kind for one in result.injected}
    skipped = {kind: why for kind, why in result.skipped.items() if kind not in done}
    told = "; ".join(f"`{kind}` ({why})" for kind, why in sorted(skipped.items()))
    left = f"Left out: {told}." if skipped else "No kind of its time was left out."
    newer = sorted(kind for kind in WORDS if kind not in done and kind not in skipped)
    if newer:
        left += f" Newer than this report, and not in it: {', '.join(f'`{kind}`' for kind in newer)}."
    return "\n" + textwrap.fill(left, 118) + "\n"
