"""Runs OPA's own conformance cases through our binding, and writes what did not pass into the reference page.

    python tools/rego_conformance.py [--write]      # needs OSTIARY_SHARED or ../shared

Cases run in worker processes (spawned, a batch each): a case that kills its worker or is late is counted as such and
the rest of its batch goes on in a fresh one. Vectors are read from the shared folder and never copied.
"""

import argparse
import gzip
import json
import os
import queue
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

CASES = "vectors/rego/opa-compliance-v1.json.gz"
PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "rego-conformance.md"
LIMIT_S = 10.0
WORKERS = 2

STRICT = "An error of a builtin is an error here; the suite wants undefined, and a rule that denies would fall silent."
WHY = {
    "baseandvirtualdocs/base/virtual: conflicts": (
        "Data that overlaps a rule is refused when the bundle is loaded, not silently preferred when it is asked."
    ),
    "inputvalues/input set": "The input is a set, which JSON cannot carry; policy input is always JSON.",
    "reachable_paths/cycle_1022_3": (
        "OPA 1.20.2 leaves out a path that stops at a node reached before; the suite is older than the engine."
    ),
    "time/time caching": "`test.sleep` is a helper of OPA's own test program, not a builtin of OPA.",
}


class Outcome(NamedTuple):
    """How one case ended: ``pass``, ``fail``, ``error``, ``late`` or ``died``."""

    number: int
    note: str
    ended: str
    detail: str


def load(shared: Path) -> list[dict[str, Any]]:
    """Return all cases."""
    cases: list[dict[str, Any]] = json.loads(gzip.decompress((shared / CASES).read_bytes()))
    return cases


def run(shared: Path, workers: int = WORKERS) -> list[Outcome]:
    """Run every case and return the outcomes in the order of the cases."""
    cases = load(shared)
    shares = [list(range(start, len(cases), workers)) for start in range(workers)]
    found: list[Outcome] = []
    threads = [
        threading.Thread(target=lambda share=share: found.extend(_run_share(shared, cases, share))) for share in shares
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)


def _run_share(shared: Path, cases: list[dict[str, Any]], share: list[int]) -> Iterator[Outcome]:
    waiting = list(share)
    while waiting:
        done = list(_run_batch(shared, waiting, cases))
        waiting = waiting[len(done) :]
        yield from done


def _run_batch(shared: Path, batch: list[int], cases: list[dict[str, Any]]) -> Iterator[Outcome]:
    """Yield outcomes until the batch ends, or its worker dies or is late: then the guilty case is the last."""
    command = [sys.executable, __file__, "--worker", "--shared", str(shared)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as worker:  # noqa: S603
        if worker.stdin is None or worker.stdout is None:
            return
        lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=_pump, args=(worker.stdout, lines), daemon=True).start()
        worker.stdin.write(json.dumps(batch).encode())
        worker.stdin.close()
        for index in batch:
            try:
                line = lines.get(timeout=LIMIT_S)
            except queue.Empty:
                worker.kill()
                yield Outcome(index, cases[index]["note"], "late", f"no answer within {LIMIT_S:g} s")
                return
            if not line:
                yield Outcome(index, cases[index]["note"], "died", f"status {worker.wait()}")
                return
            ended, detail = json.loads(line)
            yield Outcome(index, cases[index]["note"], ended, detail)


def _pump(stream: Any, lines: "queue.Queue[bytes]") -> None:
    while True:
        line = stream.readline()
        lines.put(line)
        if not line:
            return


def work(shared: Path) -> None:
    """Be a worker: case numbers on stdin, one line of outcome each on stdout."""
    cases = load(shared)
    for index in json.loads(sys.stdin.buffer.read()):
        sys.stdout.write(json.dumps(judge(cases[index])) + "\n")
        sys.stdout.flush()


def judge(case: dict[str, Any]) -> tuple[str, str]:
    """Return how one case ended, and what was seen where it did not pass."""
    from ostiary.errors import OstiaryError  # noqa: PLC0415 - the parent needs no engine

    try:
        bindings = evaluate(case)
    except OstiaryError as fault:
        return ("pass", "") if _wants_error(case) else ("error", fault.message.split("\n")[0][:200])
    if _wants_error(case):
        return "fail", "no error"
    if "want_result" not in case:
        return "pass", ""
    sort = bool(case.get("sort_bindings"))
    seen, wanted = _normal(bindings, sort=sort), _normal(case["want_result"] or [], sort=sort)
    return ("pass", "") if seen == wanted else ("fail", f"gave {seen[:90]}, wanted {wanted[:90]}")


def evaluate(case: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the bindings of one case's query.

    Raises:
        OstiaryError: OPA refused a module or the data, or the evaluation failed.
    """
    from ostiary.policy.opa_library import OpaFaultError, load_library  # noqa: PLC0415 - workers only

    def asked(query: str, document: bytes) -> list[dict[str, Any]]:
        answer = json.loads(engine.query(query, document))
        if answer.get("error"):
            raise OpaFaultError(answer["error"].get("code", ""), answer["error"].get("message", ""))
        return answer.get("result") or []

    with load_library().new_engine() as engine:
        document = json.dumps(case["input"]).encode() if "input" in case else b""
        if "input_term" in case:
            with load_library().new_engine() as terms:
                term = json.loads(terms.query(f"x = {case['input_term']}", b""))
            document = json.dumps(term["result"][0]["bindings"]["x"]).encode()
        for number, module in enumerate(case.get("modules") or []):
            engine.add_policy(f"module{number}.rego", module)
        if case.get("data") is not None:
            engine.add_data(case["data"])
        return [each.get("bindings") or {} for each in asked(case["query"], document)]


def _wants_error(case: dict[str, Any]) -> bool:
    return "want_error" in case or "want_error_code" in case


def _normal(bindings: list[dict[str, Any]], *, sort: bool) -> str:
    bindings = _plain(bindings)
    if sort:
        bindings = [
            {k: sorted(v, key=_key) if isinstance(v, list) else v for k, v in each.items()} for each in bindings
        ]
    return json.dumps(sorted(bindings, key=_key), sort_keys=True)


def _plain(value: Any) -> Any:
    """Numbers compare by value: -42.0 is -42."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def explain(outcome: Outcome) -> str:
    """Return why a case does not pass, in one sentence."""
    if "eval_builtin_error" in outcome.detail or "eval_type_error" in outcome.detail:
        return STRICT
    return WHY.get(outcome.note, "not explained")


def page(outcomes: Iterable[Outcome]) -> str:
    """Return the reference page."""
    outcomes = list(outcomes)
    ended = Counter(each.ended for each in outcomes)
    missed = [each for each in outcomes if each.ended != "pass"]
    rows = "\n".join(f"| `{each.note}` | {explain(each)} |" for each in missed)
    return f"""# Rego conformance

Ostiary evaluates policy with real OPA inside its own process. OPA's own suite for Rego v1 runs through Ostiary's
binding in the tests ({len(outcomes)} cases; they are read from the shared vectors and are no part of this repository):

| passed | not passed | workers that died | late |
|---|---|---|---|
| {ended["pass"]} | {len(missed)} | {ended["died"]} | {ended["late"]} |

Every case that does not pass, and why. The test asserts that this list is the whole list.

| case | why |
|---|---|
{rows}

Made by `python tools/rego_conformance.py --write`.
"""


def documented(text: str) -> list[str]:
    """Return the notes of the cases that the page lists."""
    lines = text.split("| case | why |")[1].splitlines()
    return sorted(line.split("`")[1] for line in lines if line.startswith("| `"))


def main() -> None:
    """Run everything and show or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("OSTIARY_SHARED", str(PAGE.parents[2].parent / "shared"))
    parser.add_argument("--shared", type=Path, default=Path(default))
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--worker", action="store_true")
    options = parser.parse_args()
    if options.worker:
        work(options.shared)
        return
    outcomes = run(options.shared)
    text = page(outcomes)
    if options.write:
        PAGE.write_text(text)
    for each in outcomes:
        if each.ended != "pass":
            print(each.note, each.ended, each.detail, sep="\n   ")
    print(Counter(each.ended for each in outcomes))


if __name__ == "__main__":
    main()
