"""AgentDojo's ground truth replayed through the judge of tool calls: no language model, no learned detector.

    tools/agentdojo.sh [--versions v1 v1.2.2] [--attacks important_instructions direct] [--json] [--misses]

Rows come from ``benchmarks/agentdojo/rows.py`` (see there for the kinds), manifests are ours and stand beside it.
A call is *blocked* when it is not allowed; STEP_UP and DENY are told apart. Figures by suite:

- ``injected_blocked``: of the injected calls that do something (their tool has a sink), how many are blocked.
- ``pairs_blocked``: of the pairs of a user task and an injection task that calls anything, in how many a call is
  blocked; ``pairs_denied`` of them by DENY.
- ``allowed``: of all calls of user tasks, nothing injected; ``attacked_allowed`` where an attack wrote into
  the results; ``acting_calls_tainted`` of ``acting_calls`` are the user's own calls with a sink that hold a tainted
  argument: what a rule "nothing tainted" would refuse.

AgentDojo's texts are read where they are installed; none is kept here, and nothing learns from them.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ostiary.artifacts.shipped import policies_dir
from ostiary.gateway.tools import CallsJudged, Manifest, judge_calls
from ostiary.gateway.tools.offline import RulesAsked
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import OpaEngine
from ostiary.vocabulary.effects import Effect

HERE = Path(__file__).parent / "agentdojo"
PYTHON = Path(os.environ.get("OSTIARY_AGENTDOJO_ENV", "/tmp/ostiary-agentdojo")) / "bin" / "python"  # noqa: S108
PEER = 0.844
"""agent-airlock 0.8.43, 324 of 384 pairs of v1, by its own replay (shared/research/llm.md §7)."""


def rows_of(version: str, attack: str, kept: Path | None) -> Iterator[dict[str, Any]]:
    """Yield the rows of one version and attack, from a file where they were kept."""
    if kept is not None:
        with kept.open() as lines:
            yield from map(json.loads, lines)
        return
    command = [str(PYTHON), str(HERE / "rows.py"), version, attack]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603 - our own script
        assert running.stdout is not None
        yield from map(json.loads, running.stdout)
    if running.returncode:
        raise SystemExit(f"{command[1]} failed: run tools/agentdojo.sh, which makes its environment")


class Counts:
    """What was counted for one suite."""

    def __init__(self) -> None:
        self.effects: dict[str, list[Effect]] = defaultdict(list)
        self.acting: list[Effect] = []
        self.sinks: list[bool] = []
        self.pairs: dict[str, Effect] = {}
        self.spent: list[float] = []
        self.misses: list[str] = []

    def add(self, row: dict[str, Any], judged: CallsJudged, spent: float) -> None:
        """Count one row."""
        kind, (call,) = row["kind"], judged.calls
        self.spent.append(spent)
        self.effects[kind].append(call.effect)
        missed = call.effect is not Effect.ALLOW
        if kind == "user" and call.facts.tool.sink != "none":
            self.sinks.append(bool(call.tainted))
        if kind == "injected":
            pair = row["id"].rsplit("/", 1)[0]
            self.pairs[pair] = max(self.pairs.get(pair, Effect.ALLOW), call.effect)
            if call.facts.tool.sink != "none":
                self.acting.append(call.effect)
                missed = call.effect is Effect.ALLOW
            else:
                missed = False
        if missed:
            self.misses.append(f"{row['id']} {call.name} {call.effect.name} {','.join(call.reasons)}")

    def figures(self) -> dict[str, float]:
        """Return the figures of the suite."""
        user, attacked = self.effects["user"], self.effects["attacked"]
        return {
            "injected": len(self.acting),
            "injected_blocked": share(e is not Effect.ALLOW for e in self.acting),
            "injected_denied": share(e is Effect.DENY for e in self.acting),
            "pairs": len(self.pairs),
            "pairs_blocked": share(e is not Effect.ALLOW for e in self.pairs.values()),
            "pairs_denied": share(e is Effect.DENY for e in self.pairs.values()),
            "calls": len(user),
            "acting_calls": len(self.sinks),
            "acting_calls_tainted": sum(self.sinks),
            "allowed": share(e is Effect.ALLOW for e in user),
            "denied": share(e is Effect.DENY for e in user),
            "attacked_allowed": share(e is Effect.ALLOW for e in attacked),
            "ms": round(1000 * sum(self.spent) / max(1, len(self.spent)), 3),
        }


def share(told: Iterator[bool] | Any) -> float:
    """Return the share of what is true, four places."""
    values = list(told)
    return round(sum(values) / len(values), 4) if values else 0.0


def replay(version: str, attack: str, kept: Path | None) -> tuple[dict[str, Any], list[str]]:
    """Judge all rows of one version and attack."""
    manifests = {path.stem: Manifest.parse(path.read_bytes()) for path in HERE.glob("*.json")}
    counts: dict[str, Counts] = defaultdict(Counts)
    total = Counts()
    with OpaEngine(Bundle.load(policies_dir())) as engine:
        ask = RulesAsked(engine)
        for row in rows_of(version, attack, kept):
            began = time.perf_counter()
            judged = judge_calls(manifests[row["suite"]], row["subject"], row["messages"], ask=ask)
            spent = time.perf_counter() - began
            for one in (counts[row["suite"]], total):
                one.add(row, judged, spent)
    figures = {name: one.figures() for name, one in sorted(counts.items())} | {"all": total.figures()}
    return {"version": version, "attack": attack, "suites": figures, "peer_pairs_blocked": PEER}, total.misses


def show(result: dict[str, Any]) -> None:
    """Print one result for a person."""
    print(f"AgentDojo {result['version']}, attack {result['attack']} (peer, pairs of v1 blocked: {PEER:.1%})")
    for name, of in result["suites"].items():
        print(
            f"  {name:10} pairs {of['pairs']:4} blocked {of['pairs_blocked']:.1%} (DENY {of['pairs_denied']:.1%})"
            f" · injected calls {of['injected']:4} blocked {of['injected_blocked']:.1%}"
            f" (DENY {of['injected_denied']:.1%}) · user calls {of['calls']:4} allowed {of['allowed']:.1%}, attacked"
            f" {of['attacked_allowed']:.1%} · {of['ms']} ms"
        )


def main() -> None:
    """Replay what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", nargs="+", default=["v1", "v1.2.2"])
    parser.add_argument("--attacks", nargs="+", default=["important_instructions", "direct"])
    parser.add_argument("--rows", type=Path, help="rows that were kept, of one version and attack")
    parser.add_argument("--misses", action="store_true", help="print what was not as it should be")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    for version in asked.versions[:1] if asked.rows else asked.versions:
        for attack in asked.attacks[:1] if asked.rows else asked.attacks:
            result, misses = replay(version, attack, asked.rows)
            print(json.dumps(result)) if asked.json else show(result)
            if asked.misses:
                print("\n".join(misses), file=sys.stderr)


if __name__ == "__main__":
    main()
