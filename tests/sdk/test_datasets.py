"""``ostiary://dataset/path`` in the tools that people use, against a running server."""

import hashlib
import io
import socket
import threading
import tomllib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import pytest

from ostiary.identity.exchange.details import AccessDetail
from ostiary.pipeline.registered import Registered
from ostiary.server.datasets.parts import open_datasets
from ostiary.testing.pipeline import PipelineCaller
from ostiary_sdk.datasets import DatasetError, NotPermittedError, OstiaryFileSystem
from ostiary_sdk.datasets.reading import Window

GUARDRAILS = """package ostiary.guardrails
allow contains {"rule": "may"} if {
    input.resource.known == true
    input.subject.identity.exchanged == true
}
decision := {"allow": allow}
"""
ACTIONS = ("dataset.read", "dataset.list", "dataset.write", "dataset.delete")
BIG = hashlib.sha256(b"seed").digest() * 400_000  # 12.8 MB: several windows


class Comes:
    def __init__(self, caller: PipelineCaller, **more: Any) -> None:
        self._caller = caller
        self._token = caller.token(AccessDetail("ostiary_dataset", "sales", ACTIONS, **more))

    def headers(self, method: str, url: str) -> dict[str, str]:
        return self._caller.headers(method, url, self._token)


class Scene:
    def __init__(self, server: Any, url: str, lake: Path) -> None:
        self.server, self.url, self.lake = server, url, lake
        self.caller = PipelineCaller(server.house.ring, server.house.clock, url)
        book = open_datasets(server.house).book
        for name in ("sales", "payroll"):
            (lake / name).mkdir()
            spec = {"store": f"file://{lake}", "prefix": name}
            book.register("default", book.prepared(Registered(type="dataset", id=name, spec=spec)))
        (lake / "sales" / "big.bin").write_bytes(BIG)
        (lake / "sales" / "2026").mkdir()
        (lake / "sales" / "2026" / "a.txt").write_bytes(b"hello")

    def options(self, **more: Any) -> dict[str, Any]:
        return {"endpoint": self.url, "tokens": Comes(self.caller, **more)}

    def fs(self, **more: Any) -> OstiaryFileSystem:
        return OstiaryFileSystem(**self.options(**more), skip_instance_cache=True)

    def reads(self) -> int:
        return len([one for one in self.server.records() if one.pep == "ostiary:datasets"])


@pytest.fixture(scope="module", autouse=True)
def _known_protocol() -> None:
    fsspec.register_implementation("ostiary", OstiaryFileSystem, clobber=True)


@pytest.fixture(scope="module")
def scene(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Scene:
    lake = tmp_path_factory.mktemp("lake").resolve()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = start_server(
        guardrails=GUARDRAILS,
        on_port=port,
        server={"public_url": url, "deadline_ms": 30_000},
        datasets={"roots": [str(lake)]},
    )
    return Scene(server, url, lake)


@pytest.fixture
def fs(scene: Scene) -> Iterator[OstiaryFileSystem]:
    made = scene.fs()
    yield made
    made._doorway.close()


def test_the_entry_point_names_the_filesystem(repo: Path) -> None:
    told = tomllib.loads((repo / "sdk" / "pyproject.toml").read_text("utf-8"))
    assert told["project"]["entry-points"]["fsspec.specs"] == {"ostiary": "ostiary_sdk.datasets:OstiaryFileSystem"}


def test_what_is_there(fs: OstiaryFileSystem) -> None:
    assert fs.info("ostiary://sales/big.bin")["size"] == len(BIG)
    assert fs.info("sales/2026")["type"] == "directory"
    assert sorted(one["name"] for one in fs.ls("sales")) == ["sales/2026", "sales/big.bin"]
    assert fs.find("ostiary://sales") == ["sales/2026/a.txt", "sales/big.bin"]
    assert fs.glob("sales/*/*.txt") == ["sales/2026/a.txt"]
    assert (fs.exists("sales/none"), fs.isdir("sales/2026"), fs.isfile("sales/big.bin")) == (False, True, True)
    with pytest.raises(FileNotFoundError):
        fs.cat_file("sales/none")
    with pytest.raises(FileNotFoundError):
        fs.ls("sales/none")


def test_parts_of_an_object(fs: OstiaryFileSystem) -> None:
    assert fs.cat_file("sales/big.bin") == BIG
    for start, end in ((0, 10), (5, None), (-10, None), (10, -10), (-20, -10), (len(BIG), None), (7, 7)):
        assert fs.cat_file("sales/big.bin", start, end) == BIG[start:end]
    with fs.open("sales/big.bin") as file:
        assert file.read(3) == BIG[:3]
        file.seek(9_000_000)
        assert file.read(100) == BIG[9_000_000:9_000_100]
        file.seek(0)
        assert file.read() == BIG


def test_reading_on_takes_few_requests(scene: Scene, fs: OstiaryFileSystem) -> None:
    before = scene.reads()
    with fs.open("sales/big.bin") as file:
        while file.read(262_144):
            pass
    assert scene.reads() - before <= 6  # one look, and stretches of 1, 2, 4, 8 MiB


def test_a_small_object_is_read_once(scene: Scene, fs: OstiaryFileSystem) -> None:
    before = scene.reads()
    with fs.open("sales/2026/a.txt", "r") as file:
        assert file.read() == "hello"
    assert scene.reads() - before == 2


def test_the_window_gives_what_the_object_holds() -> None:
    data = bytes(range(256)) * 4096
    asked: list[tuple[int, int]] = []

    def fetch(start: int, end: int) -> bytes:
        asked.append((start, end))
        return data[start:end]

    for order in (range(0, len(data), 7919), range(len(data), 0, -7919), [0, 5, 3, 900_000, 0, len(data) - 1]):
        window = Window(4096, fetch, len(data))
        window._first = 4096
        for start in order:
            assert window._fetch(start, start + 7919) == data[start : start + 7919]
    assert all(0 <= start < end <= len(data) for start, end in asked)


def test_writing_goes_through_the_door(fs: OstiaryFileSystem, scene: Scene) -> None:
    with fs.open("sales/out/new.txt", "w") as file:
        file.write("one")
    assert (scene.lake / "sales" / "out" / "new.txt").read_text() == "one"
    fs.pipe_file("sales/out/new.txt", b"two")
    assert fs.cat_file("sales/out/new.txt") == b"two"
    with pytest.raises(FileExistsError):
        fs.pipe_file("sales/out/new.txt", b"three", mode="create")
    with pytest.raises(RuntimeError), fs.open("sales/out/half.bin", "wb") as file:  # noqa: PT012
        file.write(b"half")
        raise RuntimeError
    assert not fs.exists("sales/out/half.bin")
    fs.rm("sales/out/new.txt")
    assert not fs.exists("sales/out")


def test_what_the_door_refuses_is_a_permission(scene: Scene) -> None:
    fs = scene.fs(max_bytes=10)
    with pytest.raises(PermissionError) as no:
        fs.cat_file("payroll/x")
    assert isinstance(no.value, NotPermittedError)
    assert no.value.reasons == ("token_other_resource",)
    assert no.value.decision_id.startswith("dec_")
    with pytest.raises(PermissionError) as spent:
        fs.cat_file("sales/big.bin")
    assert spent.value.code == "dataset_bytes_spent"  # type: ignore[attr-defined]
    fs._doorway.close()


def test_an_object_that_changes_under_an_open_file_is_not_mixed(scene: Scene, fs: OstiaryFileSystem) -> None:
    place = scene.lake / "sales" / "turn.bin"
    place.write_bytes(b"a" * 9_000_000)
    with fs.open("sales/turn.bin") as file:
        file.read(10)
        place.write_bytes(b"b" * 9_000_000)
        file.seek(5_000_000)
        with pytest.raises(OSError, match="changed"):
            file.read(10)
    place.unlink()


def test_many_threads_read_at_once(fs: OstiaryFileSystem) -> None:
    wrong: list[str] = []

    def read(number: int) -> None:
        start = number * 1_000_000
        try:
            if fs.cat_file("sales/big.bin", start, start + 500_000) != BIG[start : start + 500_000]:
                wrong.append("other bytes")
        except OSError as no:
            wrong.append(repr(no))

    threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


class Nobody:
    def headers(self, _method: str, _url: str) -> dict[str, str]:
        return {}


def test_nobody_and_nowhere_are_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OSTIARY_URL", "OSTIARY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match="OSTIARY_URL"):
        OstiaryFileSystem(skip_instance_cache=True)
    for platform in ("github", "gitlab", "kubernetes", "spiffe"):
        monkeypatch.setenv("OSTIARY_PLATFORM", platform)
        OstiaryFileSystem(endpoint="http://127.0.0.1:1", skip_instance_cache=True)
    monkeypatch.setenv("OSTIARY_PLATFORM", "elsewhere")
    with pytest.raises(ValueError, match="OSTIARY_TOKEN_FILE"):
        OstiaryFileSystem(endpoint="http://127.0.0.1:1", skip_instance_cache=True)
    with pytest.raises(ValueError, match="https"):
        OstiaryFileSystem(endpoint="http://elsewhere.example", tokens=Nobody(), skip_instance_cache=True)


def test_a_door_that_is_not_there() -> None:
    fs = OstiaryFileSystem(endpoint="http://127.0.0.1:1", tokens=Nobody(), skip_instance_cache=True)
    with pytest.raises(ConnectionError):
        fs.cat_file("sales/a")
    assert issubclass(DatasetError, OSError)


# The tools, with nothing else changed.


@pytest.fixture(scope="module")
def table(scene: Scene) -> Any:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"day": range(50_000), "amount": [n % 97 for n in range(50_000)], "who": ["x"] * 50_000})
    frame.to_parquet(scene.lake / "sales" / "t.parquet", row_group_size=10_000)
    frame.to_csv(scene.lake / "sales" / "t.csv", index=False)
    return frame


def test_pandas(scene: Scene, table: Any) -> None:
    import pandas as pd  # noqa: PLC0415

    options = scene.options()
    pd.testing.assert_frame_equal(pd.read_parquet("ostiary://sales/t.parquet", storage_options=options), table)
    pd.testing.assert_frame_equal(pd.read_csv("ostiary://sales/t.csv", storage_options=options), table)
    some = pd.read_parquet("ostiary://sales/t.parquet", columns=["day"], storage_options=options)
    assert list(some.columns) == ["day"]
    table.to_parquet("ostiary://sales/out.parquet", storage_options=options)
    pd.testing.assert_frame_equal(pd.read_parquet(scene.lake / "sales" / "out.parquet"), table)


def test_pyarrow(fs: OstiaryFileSystem, table: Any) -> None:
    import pyarrow.dataset  # noqa: PLC0415
    import pyarrow.parquet  # noqa: PLC0415

    assert pyarrow.parquet.read_table("sales/t.parquet", filesystem=fs).num_rows == len(table)
    found = pyarrow.dataset.dataset("sales/t.parquet", filesystem=fs).to_table(columns=["amount"])
    assert found["amount"].to_pylist()[:3] == [0, 1, 2]


def test_duckdb(fs: OstiaryFileSystem, table: Any) -> None:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as database:
        database.register_filesystem(fs)
        found = database.sql("select sum(amount) from 'ostiary://sales/t.parquet'").fetchall()
    assert found == [(int(table["amount"].sum()),)]


def test_torch(scene: Scene) -> None:
    torch = pytest.importorskip("torch")
    kept = io.BytesIO()
    torch.save({"w": torch.ones(3)}, kept)
    (scene.lake / "sales" / "w.pt").write_bytes(kept.getvalue())
    with fsspec.open("ostiary://sales/w.pt", **scene.options()) as file:
        assert torch.load(file, weights_only=True)["w"].sum() == 3


def test_when_the_door_cannot_decide_now_a_read_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Busy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            busy = len(asked) < 3
            self.send_response(503 if busy else 200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}" if busy else b"ok")

        def do_PUT(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            return

    monkeypatch.setattr("ostiary_sdk.datasets.doorway._WAITS_S", (0.0, 0.0))
    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        fs = OstiaryFileSystem(
            endpoint=f"http://127.0.0.1:{server.server_port}", tokens=Nobody(), skip_instance_cache=True
        )
        assert fs.cat_file("sales/a") == b"ok"
        asked.clear()
        with pytest.raises(DatasetError):
            fs._doorway.call("PUT", "sales", "objects/a", {}, b"x")
        assert len(asked) == 1
        fs._doorway.close()
        server.shutdown()
        thread.join()
