"""Three stores with one behaviour: a folder, memory, and a local server that speaks S3 (moto, a fake)."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ostiary.pipeline.datasets.places import Where
from ostiary.pipeline.datasets.ports import Objects
from ostiary.pipeline.datasets.spec import DatasetSpec
from ostiary.pipeline.datasets.stores import Stores

KEYS = '{"access_key_id": "test", "secret_access_key": "test"}'
Put = Callable[[str, bytes], None]


@pytest.fixture(scope="session")
def fake_s3() -> "Iterator[str]":
    """The address of a local fake of S3."""
    import logging  # noqa: PLC0415

    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - takes a second, and only some tests need it

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server: ThreadedMotoServer = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def bucket(fake_s3: str, request: pytest.FixtureRequest) -> str:
    """A fresh bucket."""
    import httpx  # noqa: PLC0415

    name = f"lake-{abs(hash(request.node.nodeid)) % 10**10}"
    httpx.put(f"{fake_s3}/{name}", headers={"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3"})
    return name


@pytest.fixture(params=["file", "memory", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """The objects of one dataset, below a prefix."""
    spool, lake = tmp_path / "spool", tmp_path / "lake" / "in"
    for folder in (spool, lake):
        folder.mkdir(parents=True)
    if request.param == "s3":
        address: str = request.getfixturevalue("fake_s3")
        spec = DatasetSpec(
            store=f"s3://{request.getfixturevalue('bucket')}",
            endpoint=address,
            prefix="in",
            credentials="env:OSTIARY_DATASET_FAKE",
        )
        stores = Stores(Where(endpoints=(address,)), spool, environ={"OSTIARY_DATASET_FAKE": KEYS})
    elif request.param == "file":
        spec = DatasetSpec(store=f"file://{tmp_path}/lake", prefix="in")
        stores = Stores(Where(roots=(tmp_path,)), spool)
    else:
        spec = DatasetSpec(store="memory:///lake", prefix="in")
        stores = Stores(Where(memory=True), spool)
    return stores.objects("acme", spec)


@pytest.fixture
def put(objects: Objects) -> Put:
    """Put an object."""

    def put_one(name: str, data: bytes) -> None:
        staged = objects.stage()
        try:
            staged.write(data)
            staged.publish(name, replaces=None)
        finally:
            staged.discard()

    return put_one
