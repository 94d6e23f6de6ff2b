"""A CI job with nothing but its platform's token reads a dataset: exchanged, bound, decided."""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest

from ostiary.pipeline.registered import Registered
from ostiary.server.datasets.parts import open_datasets
from ostiary.testing.exchange_scene import GITHUB, sections
from ostiary_sdk.datasets import OstiaryFileSystem


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    lake = tmp_path_factory.mktemp("lake").resolve()
    (lake / "a.csv").write_text("x\n1\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = sections(
        tmp_path_factory.mktemp("keys"),
        server={"public_url": f"http://127.0.0.1:{port}", "deadline_ms": 30_000},
        datasets={"roots": [str(lake)]},
    )
    server = start_server(on_port=port, **told)
    book = open_datasets(server.house).book
    for name in ("sales", "payroll"):
        wanted = Registered(type="dataset", id=name, spec={"store": f"file://{lake}"})
        book.register("default", book.prepared(wanted))
    return server


def test_a_job_reads_with_what_its_platform_gave_it(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pandas = pytest.importorskip("pandas")
    fsspec.register_implementation("ostiary", OstiaryFileSystem, clobber=True)
    OstiaryFileSystem.clear_instance_cache()
    now_ns = time.time_ns()  # noqa: TID251 - the server's own clock judges the token
    (tmp_path / "token").write_text(GITHUB.token(now_ns, jti="a-job"))
    for name, value in {
        "OSTIARY_URL": server.url,
        "OSTIARY_TOKEN_FILE": str(tmp_path / "token"),
        "OSTIARY_PURPOSE": "training",
        "OSTIARY_STAGE": "train",
    }.items():
        monkeypatch.setenv(name, value)
    assert list(pandas.read_csv("ostiary://sales/a.csv")["x"]) == [1]
    record = server.records()[-1]
    asked = json.loads(bytes(record.input))
    assert (record.pep, asked["subject"]["type"]) == ("ostiary:datasets", "ci_job")
    assert asked["action"]["properties"]["purpose"] == "training"
    assert asked["subject"]["identity"]["claims"]["origin"]["iss"] == GITHUB.issuer
    with pytest.raises(PermissionError):
        fsspec.filesystem("ostiary").pipe_file("sales/new", b"x")
    OstiaryFileSystem.clear_instance_cache()
