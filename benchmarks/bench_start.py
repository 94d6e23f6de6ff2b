"""What a start costs: ``python benchmarks/bench_start.py --json`` for one JSON object.

- ``help``: seconds until ``ostiary --help`` has ended.
- ``up``: seconds from ``ostiary up`` on an empty data directory until its first decision was answered over HTTP: keys,
  database, log, policy, the engine, the console's first owner and all.
- ``idle``: memory of supervisor and worker (PSS: pages that are shared count by their share) with every model loaded:
  access and session risk (trained here), prompts and leaks, biometrics as shipped; after garbage was collected.

Each start is measured ``--runs`` times and told as the quickest and the middle one, in seconds on the clock and of
processor time: on a busy machine the latter means more. Sources are compiled first, as an installed
wheel's are.
"""

import argparse
import compileall
import gc
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx

REPO: Final = Path(__file__).resolve().parent.parent
LIMITS: Final = {"help_s": 0.3, "up_s": 5.0, "idle_mib": 350.0}
QUESTION: Final = {
    "subject": {"type": "user", "id": "alice"},
    "action": {"name": "read"},
    "resource": {"type": "document", "id": "handbook"},
}
PAST_EVENTS: Final = 2_000
START_S: Final = 120.0
CLI: Final = [sys.executable, "-m", "ostiary.cli"]


def environment() -> dict[str, str]:
    """Return an environment in which compiled sources are kept."""
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(REPO / "src"), str(REPO / "sdk" / "src")])}


def told(wall: list[float], cpu: list[float]) -> dict[str, float]:
    """Return the quickest and the middle run."""
    return {
        "wall_best": round(min(wall), 3),
        "wall_median": round(statistics.median(wall), 3),
        "cpu_best": round(min(cpu), 3),
        "cpu_median": round(statistics.median(cpu), 3),
    }


def measure_help(runs: int) -> dict[str, float]:
    """Measure ``ostiary --help``."""
    wall, cpu = [], []
    for _ in range(runs):
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run([*CLI, "--help"], check=True, stdout=subprocess.DEVNULL, env=environment())  # noqa: S603
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall.append(time.monotonic() - begun)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return told(wall, cpu)


def tree(pid: int) -> Iterator[int]:
    """Yield a process and all below it."""
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from tree(int(child))


def cpu_of(pid: int) -> float:
    """Return the processor seconds of a process and all below it so far."""
    total = 0
    for one in tree(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += sum(int(fields[at]) for at in range(11, 15))
    return total / os.sysconf("SC_CLK_TCK")


def pss_of(pid: int) -> float:
    """Return the memory of one process in MiB, shared pages by their share."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024


def measure_up(runs: int) -> tuple[dict[str, float], float]:
    """Measure a cold ``ostiary up`` until its first answer; return that, and the supervisor's memory."""
    wall, cpu, supervisor = [], [], 0.0
    for number in range(runs):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            data, port = Path(folder) / "data", 18_300 + number
            begun = time.monotonic()
            started = subprocess.Popen(  # noqa: S603
                [*CLI, "up", "--data", str(data), "--port", str(port)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment(),
            )
            try:
                first_answer(port, data / "pep.key", begun)
                wall.append(time.monotonic() - begun)
                cpu.append(cpu_of(started.pid))
                supervisor = pss_of(started.pid)
            finally:
                started.send_signal(signal.SIGTERM)
                started.wait(60)
    return told(wall, cpu), supervisor


def first_answer(port: int, key: Path, begun: float) -> None:
    """Ask until somebody answers."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        while time.monotonic() - begun < START_S:
            if key.exists() and key.read_text().strip():
                head = {"Authorization": f"Bearer {key.read_text().strip()}"}
                try:
                    answer = client.post("/access/v1/evaluation", json=QUESTION, headers=head)
                except httpx.TransportError:
                    pass  # it does not listen yet
                else:
                    assert answer.json()["decision"] is True, answer.text
                    return
            time.sleep(0.01)
    raise TimeoutError


def measure_idle() -> dict[str, Any]:
    """Train a risk model, then measure a worker of its own process with everything loaded."""
    from ostiary.server.bench.decide import _train  # noqa: PLC0415
    from ostiary.server.bench.workload import Workload  # noqa: PLC0415
    from ostiary.server.places import Places  # noqa: PLC0415

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        import msgspec  # noqa: PLC0415

        places = Places(Path(folder) / "data")
        workload = Workload(time.time_ns())  # noqa: TID251 - invented past accesses
        workload.prepare(places)
        past = Path(folder) / "past.jsonl"
        past.write_bytes(b"\n".join(msgspec.json.encode(event) for event in workload.history(PAST_EVENTS)))
        _train(places, past)
        command = [sys.executable, __file__, "--loaded", str(places.root)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment())  # noqa: S603
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def loaded(root: Path) -> dict[str, Any]:
    """Be a worker: open everything, load every model, answer once, and tell how much memory that takes."""
    from ostiary.server.tuning import seldom  # noqa: PLC0415 - as a worker begins

    seldom()
    from ostiary.biometrics.window import Modality  # noqa: PLC0415
    from ostiary.gateway.inspectors import Turn, look  # noqa: PLC0415
    from ostiary.gateway.openai.asked import LlmAsked  # noqa: PLC0415
    from ostiary.server import worker  # noqa: F401, PLC0415 - what a worker imports
    from ostiary.server.assembly import Assembly  # noqa: PLC0415
    from ostiary.server.faces.llm import LlmFace  # noqa: PLC0415
    from ostiary.server.llm.guardrail import _pieces  # noqa: PLC0415
    from ostiary.server.places import Places  # noqa: PLC0415
    from ostiary.server.settings import load  # noqa: PLC0415
    from ostiary.server.telemetry import logs  # noqa: PLC0415
    from ostiary.server.telemetry.metrics import Metrics  # noqa: PLC0415
    from ostiary.server.wiring import open_house  # noqa: PLC0415
    from ostiary.vocabulary.clock import SystemClock  # noqa: PLC0415
    from ostiary.vocabulary.labels import SessionLabel  # noqa: PLC0415

    steps = {"imported": pss_of(os.getpid())}
    options = {"biometrics": {"enabled": True}, "server": {"public_url": "http://localhost:1"}}
    settings = load(Places(root).settings, environ={}, options=options).settings
    with open_house(Places(root), settings, SystemClock(), complain, serving=True) as house:
        house.warm_up(complain)
        models = {"risk": house.scorers.scorer("default") is not None}
        models["session"] = house.scorers.session_scorer("default") is not None
        steps["risk"] = pss_of(os.getpid())
        assembly = Assembly(house, Metrics(), logs.get_logger("bench"), lambda: None)
        room = next(face._room for face in assembly.faces if isinstance(face, LlmFace))  # noqa: SLF001
        turn = Turn(tenant="default", subject="user:a", asked=LlmAsked(face="chat", model="x", body={}),
                    label=SessionLabel("default"))  # fmt: skip
        turn.asked.pieces = tuple(_pieces(["what is the weather today"], [], turn))
        look(room.inspectors[:2], turn)
        models["inspection"] = turn.available
        room.scan("").close()
        steps["inspection"] = pss_of(os.getpid())
        assert house.biometrics is not None
        for modality in Modality:
            models[f"biometrics {modality.value}"] = house.biometrics.models.model("default", modality) is not None
        gc.collect()
        steps["all"] = pss_of(os.getpid())
    return {
        "worker_mib": round(steps["all"], 1),
        "steps_mib": {k: round(v, 1) for k, v in steps.items()},
        "models": models,
    }


def complain(reason: str, fault: BaseException) -> None:
    """Say what went wrong."""
    sys.stderr.write(f"{reason}: {fault}\n")


def run(runs: int) -> dict[str, Any]:
    """Measure everything."""
    compileall.compile_dir(REPO / "src", quiet=2)
    told_help = measure_help(runs)
    up, supervisor = measure_up(runs)
    idle = measure_idle()
    idle["supervisor_mib"] = round(supervisor, 1)
    idle["all_mib"] = round(supervisor + idle["worker_mib"], 1)
    held = {
        "help": told_help["wall_best"] < LIMITS["help_s"],
        "up": up["wall_best"] < LIMITS["up_s"],
        "idle": idle["all_mib"] < LIMITS["idle_mib"],
    }
    told_help["cpu_held"], up["cpu_held"] = (
        told_help["cpu_best"] < LIMITS["help_s"],
        up["cpu_best"] < LIMITS["up_s"],
    )
    load = os.getloadavg()[0]
    return {"help": told_help, "up": up, "idle": idle, "limits": LIMITS, "held": held, "load": load, "runs": runs}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="starts of each kind")
    parser.add_argument("--json", action="store_true", help="one JSON object; there is no other form")
    parser.add_argument("--loaded", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    print(json.dumps(loaded(given.loaded) if given.loaded else run(given.runs), indent=2))
