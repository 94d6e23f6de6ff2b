"""Fuzzes every parser of outside bytes: `python tools/fuzz.py --minutes 10`, or `just fuzz`.

    python tools/fuzz.py --list
    python tools/fuzz.py --minutes 10 token dpop           two of them, ten minutes each
    python tools/fuzz.py --minutes 10 --jobs 2             all of them, two at a time

What was worth keeping lies in `.fuzz/corpus/NAME` and is where the next run begins; what broke a parser lies in
`.fuzz/finds/NAME` with its trace beside it. The end is 1 when something broke, 0 otherwise; one line of JSON for each.
Each harness runs in a process of its own, which may use two gigabytes: what needs more is a find as well.

Where atheris is installed (`pip install --target /tmp/atheris atheris`, then `PYTHONPATH=/tmp/atheris`), coverage
guides the changes; it is no dependency. Otherwise where an input ended does (`tests/fuzz/running.py`).
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from inspect import isclass, isfunction
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, Final

REPO: Final = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO), str(REPO / "src"), str(REPO / "sdk" / "src")]
os.environ.setdefault("OSTIARY_COMPILED", "0")

from tests.fuzz.harness import Harness, harnesses, outcome  # noqa: E402 - found by the path above
from tests.fuzz.mutating import MAX_BYTES, mutate  # noqa: E402
from tests.fuzz.running import Find, read_corpus, run, write_input  # noqa: E402

PLACE: Final = Path(os.environ.get("OSTIARY_FUZZ_DIR", REPO / ".fuzz"))
FOUND: Final = REPO / "tests" / "fuzz" / "found"
MOST_BYTES: Final = 2 * 1024**3
EXPLORED: Final = 0.3  # how often atheris is given our own changes, which know JSON and lines


def main(given: Sequence[str] | None = None) -> int:
    """Fuzz what is asked for; return 1 when something broke."""
    asked = _parser().parse_args(given)
    known = harnesses()
    if unknown := [name for name in asked.names if name not in known]:
        print(f"no such harness: {', '.join(unknown)}; `--list` shows them", file=sys.stderr)
        return 2
    if asked.list:
        print("\n".join(known))
        return 0
    if asked.one:
        return _one(known[asked.names[0]], asked.minutes * 60, asked.seed)
    with ThreadPoolExecutor(asked.jobs) as pool:
        ended = list(pool.map(lambda name: _child(name, asked), asked.names or known))
    broken = sum(ended)
    print(f"{len(ended)} harnesses, {broken} with finds", file=sys.stderr)
    return int(broken > 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="fuzz every parser of outside bytes")
    parser.add_argument("names", nargs="*", help="harnesses; all when none is named")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each harness")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--seed", type=int, default=None, help="to repeat a run")
    parser.add_argument("--list", action="store_true", help="only say which there are")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    return parser


def _child(name: str, asked: Any) -> bool:
    """Run one harness in a process of its own; return whether it found something."""
    command = [sys.executable, __file__, "--one", "--minutes", str(asked.minutes), name]
    command += ["--seed", str(asked.seed)] if asked.seed is not None else []
    ended = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - this very program
    line = ended.stdout.strip().splitlines()
    if ended.returncode not in {0, 1} or not line:  # it was killed, or used too much memory
        print(json.dumps({"harness": name, "finds": 1, "ended": ended.returncode, "said": ended.stderr[-2_000:]}))
        return True
    print(line[-1], flush=True)
    sys.stderr.write(ended.stderr if ended.returncode else "")
    return ended.returncode == 1


def _one(harness: Harness, seconds: float, seed: int | None) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    seed = SystemRandom().randrange(2**32) if seed is None else seed
    corpus = [*read_corpus(PLACE / "corpus" / harness.name), *read_corpus(FOUND / harness.name)]
    if find_spec("atheris") is not None:
        return _guided(harness, seconds, seed, corpus)
    luck = Random(seed)  # noqa: S311 - a run that can be repeated
    ran = run(harness, luck, seconds=seconds, corpus=corpus, on_find=lambda find: _keep(harness.name, find))
    for data in ran.kept:
        write_input(PLACE / "corpus" / harness.name, data)
    _tell(harness.name, "endings", ran.executions, ran.seconds, len(ran.kept), len(ran.finds), seed)
    return int(bool(ran.finds))


def _keep(name: str, find: Find) -> None:
    place = write_input(PLACE / "finds" / name, find.data)
    place.with_suffix(".trace").write_text(find.fault)
    print(f"{name}: {place}\n{find.fault}", file=sys.stderr)


def _guided(harness: Harness, seconds: float, seed: int, corpus: list[bytes]) -> int:
    """Let atheris choose what to change; our own changes are among its own."""
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore] # noqa: PLC0415 - no dependency of ours

    folder = PLACE / "corpus" / harness.name
    for data in (*harness.seeds, *corpus):
        write_input(folder, data)
    for function in _own_functions():
        atheris.instrument_func(function)
    finds, done, begun = set[tuple[Any, ...]](), [0], time.monotonic()

    def feed(data: bytes) -> None:
        done[0] += 1
        ended = outcome(harness, data)
        if ended.fault and ended.trail not in finds:
            finds.add(ended.trail)
            _keep(harness.name, Find(data, ended.fault))
        if time.monotonic() - begun >= seconds:
            _tell(harness.name, "atheris", done[0], time.monotonic() - begun, _count(folder), len(finds), seed)
            sys.stdout.flush()
            os._exit(int(bool(finds)))  # libFuzzer has no other way out that keeps our exit code

    def change(data: bytes, most: int, number: int) -> bytes:
        random = Random(number)  # noqa: S311 - libFuzzer says by which number
        own = random.random() < EXPLORED
        return mutate(random, data, corpus)[:most] if own else bytes(atheris.Mutate(data, most))

    options = [f"-max_len={MAX_BYTES}", f"-seed={seed or 1}", "-rss_limit_mb=0", "-verbosity=0", "-max_total_time=0"]
    atheris.Setup([sys.argv[0], *options, str(folder)], feed, custom_mutator=change)
    atheris.Fuzz()
    return 0


def _own_functions() -> Iterator[Any]:
    """Yield the functions and methods of our own modules: those of libraries say nothing of our parsers."""
    for name, module in list(sys.modules.items()):
        if name.startswith("ostiary."):
            for thing in vars(module).values():
                members = vars(thing).values() if isclass(thing) and thing.__module__ == name else (thing,)
                yield from (one for one in members if isfunction(one) and one.__module__ == name)


def _count(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())


def _tell(name: str, engine: str, executions: int, seconds: float, kept: int, finds: int, seed: int) -> None:
    told = {"harness": name, "engine": engine, "executions": executions, "seconds": round(seconds, 1)}
    print(json.dumps({**told, "kept": kept, "finds": finds, "seed": seed}))


if __name__ == "__main__":
    sys.exit(main())
