"""What the gateway costs: the same questions to the same fake upstream, directly and through the gateway.

    python benchmarks/bench_gateway.py [--requests 200] [--clients 1,16] [--chars 2000] [--litellm VENV] [--json]

- The upstream (``ostiary.testing.fake_upstream``) is a process of its own and the server is one, as in production; the
  clients are threads of this one. All of them share the machine, as do those of the peer.
- Everything is on: verified token, decision with labels and verdict, both records, prompt and answer inspected.
  Each prompt is new, so nothing is remembered of it; ``--same`` asks the same prompt again and again.
- ``added_p50_ms`` is the difference of the medians; ``durable_ms`` is one record to this disk, of which an answer waits
  for two: with ``--async`` the server does not wait (``audit.durability = "async"``), which shows the rest alone.
- ``native`` says whether n-grams are read by the C kernel: where it was not compiled from these very sources
  (``python tools/compile.py``, part of ``make dev``), NumPy reads them, a quarter of a millisecond more for each.
- ``cpu_ms`` is the server's processor time for one request: it does not depend on how busy the machine is.
- ``--litellm`` is a virtual environment with LiteLLM's proxy (``tools/litellm.sh``), which inspects nothing: the peer
  in the same run, before the same upstream.
"""

import argparse
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ostiary.audit import AuditLog
from ostiary.inspection.learned.kernel import native
from ostiary.keys import open_keys
from ostiary.storage.sqlite import open_store
from ostiary.testing.issuer import FakeIssuer
from ostiary.testing.served import Served
from ostiary.vocabulary.clock import SystemClock

CLOCK = SystemClock()
STRONG = {"acr": "urn:ostiary:acr:phishing-resistant", "amr": ["hwk"]}
CHAT = "/v1/chat/completions"
WORDS = [
    "invoice",
    "delivery",
    "weekly",
    "meeting",
    "quarter",
    "budget",
    "report",
    "customer",
    "please",
    "summarise",
    "table",
    "figures",
    "project",
    "release",
    "notes",
    "draft",
    "review",
    "agenda",
    "travel",
    "booking",
    "hotel",
    "train",
    "garden",
    "recipe",
    "onion",
    "weather",
    "forecast",
    "music",
    "concert",
    "ticket",
]


def prompt(number: int, chars: int) -> str:
    """Return an ordinary text, another one for each number."""
    chance, text = random.Random(number), ""  # noqa: S311 - texts to measure with
    while len(text) < chars:
        text += " ".join(chance.choice(WORDS) for _ in range(12)).capitalize() + ". "
    return text[:chars]


def measured(url: str, headers: dict[str, str], bodies: list[bytes], clients: int) -> dict[str, float]:
    """Ask all bodies from ``clients`` threads; return milliseconds and requests a second."""
    parts, spent, lock, faults = urlsplit(url), list[float](), threading.Lock(), list[str]()
    queue = iter(bodies)

    def work() -> None:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        while True:
            with lock:
                body = next(queue, None)
            if body is None:
                break
            begun = time.perf_counter()
            connection.request("POST", parts.path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            spent.append((time.perf_counter() - begun) * 1000)
            if answer.status != 200:  # noqa: PLR2004
                faults.append(f"{answer.status} {text[:200]!r}")
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    if faults:
        raise SystemExit(f"{len(faults)} requests failed, such as {faults[0]}")
    spent.sort()
    p95 = spent[int(len(spent) * 0.95)]
    return {"p50_ms": statistics.median(spent), "p95_ms": p95, "per_s": len(bodies) / took}


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process in megabytes."""
    line = next(one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def cpu_s(pid: int) -> float:
    """Return the processor time of a process so far, in seconds; none of no process."""
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def upstream(opened: ExitStack) -> str:
    """Start the fake upstream and return where it is."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ostiary.testing.fake_upstream"], stdout=subprocess.PIPE, text=True
    )
    opened.callback(process.wait)
    opened.callback(process.kill)
    line = process.stdout.readline() if process.stdout else ""
    return line.strip()


def gateway(opened: ExitStack, folder: Path, url: str, *, durable: bool) -> tuple[Served, str]:
    """Start a server in front of the upstream, with somebody who may ask, and return both."""
    data, issuer = folder / ("durable" if durable else "async"), FakeIssuer()
    (data / "catalogue").mkdir(parents=True)
    data.chmod(0o700)
    (data / "catalogue" / "default.yaml").write_text("subjects: [{type: user, id: ada, groups: [analysts]}]\n")
    (data / "idp.json").write_text(issuer.jwks().inline)
    believed = {"issuer": issuer.issuer, "audience": "ostiary"}
    settings: dict[str, Any] = {
        "llm": {
            "upstreams": [{"name": "fake", "base_url": url}],
            "models": [{"name": "bench", "upstream": "fake"}],
            "subject": {"tokens": 1_000_000_000, "requests": 100_000_000},
        },
    }
    environ = {
        "OSTIARY_IDENTITY__ISSUERS": json.dumps([{**believed, "jwks_path": str(data / "idp.json")}]),
        "OSTIARY_LLM__UPSTREAMS": json.dumps(settings["llm"]["upstreams"]),
        "OSTIARY_LLM__MODELS": json.dumps(settings["llm"]["models"]),
        "OSTIARY_LLM__SUBJECT": json.dumps(settings["llm"]["subject"]),
        "OSTIARY_SERVER__DEADLINE_MS": "10000",
        "OSTIARY_AUDIT__DURABILITY": "before_answer" if durable else "async",
    }
    server = opened.enter_context(Served(data, environ=environ))
    now_ns = CLOCK.now_ns()
    lives = {"exp": now_ns // 10**9 + 3600, "auth_time": now_ns // 10**9 - 5, "sid": "bench", **STRONG}
    return server, issuer.token(now_ns, sub="ada", **lives)


def litellm(opened: ExitStack, folder: Path, venv: Path, url: str) -> tuple[str, int]:
    """Start LiteLLM's proxy before the same upstream; return its address and process."""
    config = folder / "litellm.yaml"
    params = {"model": "openai/bench", "api_base": url, "api_key": "sk-none"}
    config.write_text(json.dumps({"model_list": [{"model_name": "bench", "litellm_params": params}]}))
    process = subprocess.Popen(  # noqa: S603 - the peer that was asked for
        [str(venv / "bin" / "litellm"), "--config", str(config), "--port", "4017", "--host", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    opened.callback(process.wait)
    opened.callback(process.kill)
    for _ in range(240):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", 4017, timeout=2)
            connection.request("GET", "/health/liveliness")
            if connection.getresponse().status == 200:  # noqa: PLR2004
                return "http://127.0.0.1:4017", process.pid
        except OSError:
            time.sleep(0.5)
    raise SystemExit("LiteLLM's proxy did not start")


def durable_ms(folder: Path) -> float:
    """Return the median milliseconds until one record is on disk."""
    spent = []
    with open_store(folder / "log.db", CLOCK) as store:
        ring, vault = open_keys(folder / "keys", store, CLOCK)
        with AuditLog(store, vault, ring, CLOCK) as log:
            for number in range(200):
                begun = time.perf_counter()
                log.append("default", "inspection", f"i{number}", 1, b"x" * 900, "u").result()
                spent.append((time.perf_counter() - begun) * 1000)
    return statistics.median(spent)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--clients", default="1,16")
    parser.add_argument("--chars", type=int, default=2000)
    parser.add_argument("--same", action="store_true", help="the same prompt each time")
    parser.add_argument("--async", dest="durable", action="store_false", help="do not wait for the disk")
    parser.add_argument("--litellm", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures: dict[str, Any] = {"chars": options.chars, "requests": options.requests, "native": native() is not None}
    with tempfile.TemporaryDirectory() as name, ExitStack() as opened:
        folder = Path(name)
        figures["durable_ms"] = durable_ms(folder)
        url = upstream(opened)
        server, token = gateway(opened, folder, url, durable=options.durable)
        bearer = {"Authorization": f"Bearer {token}"}
        sides: dict[str, tuple[str, dict[str, str], int]] = {
            "direct": (url.removesuffix("/v1"), {}, 0),
            "gateway": (server.url, bearer, server.worker),
        }
        if options.litellm:
            peer, pid = litellm(opened, folder, options.litellm, url)
            sides["litellm"] = (peer, {"Authorization": "Bearer sk-none"}, pid)
        count = 0
        for side, (place, headers, pid) in sides.items():
            given = {"Content-Type": "application/json", **headers}
            for clients in [1, *(int(one) for one in options.clients.split(","))]:
                wanted = options.requests if clients > 1 or count else 20
                bodies = [_body(0 if options.same else (count := count + 1), options.chars) for _ in range(wanted)]
                before = cpu_s(pid)
                figures[f"{side}_{clients}"] = measured(place + CHAT, given, bodies, clients)
                figures[f"{side}_{clients}"]["cpu_ms"] = (cpu_s(pid) - before) * 1000 / wanted
            if pid:
                figures[f"{side}_rss_mb"] = rss_mb(pid)
    for side in [one for one in ("gateway", "litellm") if f"{one}_1" in figures]:
        for clients in options.clients.split(","):
            added = figures[f"{side}_{clients}"]["p50_ms"] - figures[f"direct_{clients}"]["p50_ms"]
            figures[f"{side}_{clients}"]["added_p50_ms"] = added
    if options.json:
        print(json.dumps(figures))
        return
    for key, value in figures.items():
        shown = " ".join(f"{k}={v:.2f}" for k, v in value.items()) if isinstance(value, dict) else f"{value}"
        print(f"{key:16} {shown}")


def _body(number: int, chars: int) -> bytes:
    return json.dumps({"model": "bench", "messages": [{"role": "user", "content": prompt(number, chars)}]}).encode()


if __name__ == "__main__":
    main()
