"""Fixtures for the whole suite: where shared data lies, and a server that runs inside the test.

Each worker collects all tests, a million objects that stay. Python's own pace of garbage collection walked through them
again and again: half of the time that collecting took. The pace is a server's here (``ostiary.server.tuning``).
"""

import asyncio
import gc
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from ostiary.policy.bundle import Bundle
    from ostiary.policy.sandbox import Report
    from ostiary.server.assembly import Assembly
    from ostiary.server.wiring import House
    from ostiary.vocabulary.verdicts import DecisionRecord

REPO = Path(__file__).resolve().parent.parent

_admitted: "dict[str, Report]" = {}

gc.set_threshold(20_000, 10, 10)

# What a subject may do is in the action's name, so that a test can ask for any effect.
GUARDRAILS = """package ostiary.guardrails
name := input.action.name
busy := count([1 | some i in numbers.range(1, object.get(input.context, "work", 0)); i > 0])
allow contains {"rule": "may"} if {
    name in {"read", "step-up", "reduce", "terminate"}
    busy >= 0
}
allow contains {"rule": "from-home"} if {
    name == "come-home"
    input.network.ip == "203.0.113.9"
}
step_up contains {"rule": "prove", "acr_values": ["urn:a", "urn:b"], "max_age": 60} if name == "step-up"
reduce contains {"rule": "less", "privileges": ["x"]} if name == "reduce"
terminate contains {"rule": "end"} if name == "terminate"
decision := {"allow": allow, "step_up": step_up, "reduce": reduce, "terminate": terminate}
"""
CATALOGUE = """
resources: [{type: doc, id: "1"}, {type: doc, id: "2"}]
subjects: [{type: user, id: alice}, {type: user, id: bob}]
actions: [read, write, step-up]
"""


class InProcess:
    """A server on a free port, its house within reach of the test."""

    def __init__(self, house: "House", assembly: "Assembly", url: str, client: "httpx.Client") -> None:
        self.house, self.assembly, self.url, self.client = house, assembly, url, client
        self.pep_key = house.places.pep_key.read_text().strip()
        self.admin_key = house.places.admin_key.read_text().strip()
        self.stuck = 0
        self.loop: asyncio.AbstractEventLoop | None = None  # where it is served, for calls without a socket

    def ask(self, action: str = "read", *, path: str = "evaluation", **more: Any) -> "httpx.Response":
        body = {"subject": {"type": "user", "id": "alice"}, "action": {"name": action}, "resource": self.doc()}
        return self.post(path, json.dumps({**body, **more}))

    def ask_as(self, key: str, action: str = "read") -> "httpx.Response":
        body = {"subject": {"type": "user", "id": "alice"}, "action": {"name": action}, "resource": self.doc()}
        return self.post("evaluation", json.dumps(body), Authorization=f"Bearer {key}")

    def post(self, path: str, content: str | bytes, **headers: str) -> "httpx.Response":
        head = {"Authorization": f"Bearer {self.pep_key}", "Content-Type": "application/json"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"/access/v1/{path}", content=content, headers={**head, **given})

    @staticmethod
    def doc() -> dict[str, str]:
        return {"type": "doc", "id": "1"}

    def admin(self, method: str, path: str, **more: Any) -> "httpx.Response":
        headers = {"Authorization": f"Bearer {more.pop('key', self.admin_key)}"}
        return self.client.request(method, f"/api/v1{path}", headers=headers, **more)

    def records(self, tenant: str = "default") -> "list[DecisionRecord]":
        import msgspec  # noqa: PLC0415

        from ostiary.vocabulary.verdicts import DecisionRecord  # noqa: PLC0415

        found = self.house.log.iterate(tenant, "decision")
        return [msgspec.json.decode(one.payload or b"", type=DecisionRecord) for one in found]


def _run(
    house: "House", ready: Callable[[InProcess], None], port: int = 0
) -> tuple[Callable[[], None], Callable[[], None]]:
    """Serve ``house`` in a thread, on ``port`` or on any; return what tells it to end, and what waits for its end."""
    import httpx  # noqa: PLC0415
    import structlog  # noqa: PLC0415

    from ostiary.server.assembly import Assembly  # noqa: PLC0415
    from ostiary.server.supervisor import bind  # noqa: PLC0415
    from ostiary.server.telemetry import logs  # noqa: PLC0415
    from ostiary.server.telemetry.metrics import Metrics  # noqa: PLC0415
    from ostiary.server.worker import WorkerServer, server_config  # noqa: PLC0415

    if not structlog.is_configured():  # it would draw every fault with all its variables, in colours: a second each
        plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        structlog.configure(processors=[structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, plain])
    listener = bind("127.0.0.1", port)
    metrics, served, running = Metrics(), list[InProcess](), threading.Event()
    assembly = Assembly(house, metrics, logs.get_logger("test"), lambda: setattr(served[0], "stuck", 1))
    scheme = "https" if house.settings.server.tls_cert else "http"
    url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
    server = WorkerServer(server_config(house.settings.server, assembly, metrics), assembly, running.set)
    loops = list[asyncio.AbstractEventLoop]()

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve([listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert running.wait(20)
    client = httpx.Client(base_url=url, timeout=30, verify=scheme == "https")  # else it reads every authority there is
    served.append(InProcess(house, assembly, url, client))
    served[0].loop = loops[0]
    ready(served[0])

    def tell() -> None:
        client.close()
        server.should_exit = True

    def wait() -> None:
        thread.join(30)
        assert not thread.is_alive()

    return tell, wait


def pytest_collection_finish() -> None:
    """Let no later collection walk through the tests themselves."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def repo() -> Path:
    """The repository's root."""
    return REPO


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of research data and conformance vectors; tests that need it skip where it is absent."""
    place = Path(os.environ.get("OSTIARY_SHARED", REPO.parent / "shared")).resolve()
    if not place.is_dir():
        pytest.skip(f"no shared data at {place}: set OSTIARY_SHARED")
    return place


def _once(admit: "Callable[[Bundle], Report]") -> "Callable[[Bundle], Report]":
    """Return ``admit``, which starts a process, so that it tries each bundle out for a run's first house alone."""

    def admitted(bundle: "Bundle") -> "Report":
        if bundle.digest not in _admitted:
            _admitted[bundle.digest] = admit(bundle)
        return _admitted[bundle.digest]

    return admitted


@pytest.fixture(scope="module")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., InProcess]]:
    """Starts servers inside the test, with settings by section; they share the module's end.

    One that is started ``beside`` another is a replica: it has the same data directory.
    """
    from ostiary.server.bootstrap import bootstrap  # noqa: PLC0415
    from ostiary.server.places import Places  # noqa: PLC0415
    from ostiary.server.settings import load  # noqa: PLC0415
    from ostiary.server.wiring import open_house  # noqa: PLC0415
    from ostiary.vocabulary.clock import SystemClock  # noqa: PLC0415

    told_to_end: list[Callable[[], None]] = []
    ends: list[Callable[[], None]] = []

    def start(
        *,
        guardrails: str | None = GUARDRAILS,
        faults: list[Any] | None = None,
        on_port: int = 0,
        beside: InProcess | None = None,
        **sections: Any,
    ) -> InProcess:
        root = beside.house.places.root if beside else tmp_path_factory.mktemp("house") / "data"
        own = {
            "bundles/default/guardrails.rego": guardrails or "",
            "bundles/default/adaptive.rego": "package ostiary.adaptive\ndecision := {}\n",
            "catalogue/default.yaml": CATALOGUE,
        }
        for place, text in own.items() if guardrails is not None else ():  # without any, the shipped policy
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).write_text(text)
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o700)
        # A machine that is busy with other tests makes no decision of this one late; tests of deadlines set their own.
        sections["server"] = {"deadline_ms": 10_000, **sections.get("server", {})}
        settings = load(None, environ={}, options=sections).settings
        told = faults if faults is not None else []
        house = open_house(
            Places(root),
            settings,
            SystemClock(),
            lambda reason, fault: told.append((reason, fault)),
            serving=settings.several,
        )
        ends.append(house.close)
        house.policies._admit = _once(house.policies._admit)
        bootstrap(house)
        house.warm_up(lambda reason, fault: told.append((reason, fault)))
        served: list[InProcess] = []
        tell, wait = _run(house, served.append, on_port)
        told_to_end.append(tell)
        ends.append(wait)
        return served[0]

    yield start
    # Each takes its time to say good-bye: all of them do it at once.
    for end in (*reversed(told_to_end), *reversed(ends)):
        end()
