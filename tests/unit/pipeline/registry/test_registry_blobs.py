"""Places for bytes: one promise, a folder and an object store."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ostiary.errors import UnavailableError
from ostiary.keys import sha256_hex
from ostiary.pipeline.registry.folder_blobs import FolderBlobs
from ostiary.pipeline.registry.object_blobs import ObjectBlobs
from ostiary.pipeline.registry.ports import Blobs
from ostiary.server.models import open_blobs
from ostiary.server.places import Places
from ostiary.server.settings.models import ModelsSection


def _away() -> Any:
    from obstore.store import S3Store  # noqa: PLC0415

    given: dict[str, Any] = {
        "retry_config": {"max_retries": 0},
        "client_options": {"allow_http": True, "timeout": "1s", "connect_timeout": "1s"},
        "access_key_id": "x",
        "secret_access_key": "x",
        "region": "us-east-1",
    }
    return S3Store("b", endpoint="http://127.0.0.1:1", **given)


@pytest.fixture(params=["folder", "objects"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "folder":
        return FolderBlobs(tmp_path / "blobs")
    from obstore.store import MemoryStore  # noqa: PLC0415

    store = MemoryStore()
    return ObjectBlobs(lambda: store, "models")


@pytest.fixture
def keep(blobs: Blobs, tmp_path: Path) -> Callable[[str, bytes], str]:
    def put(tenant: str, data: bytes) -> str:
        path = tmp_path / "incoming"
        path.write_bytes(data)
        blobs.adopt(tenant, sha256_hex(data), path)
        return sha256_hex(data)

    return put


def test_what_was_kept_is_read(blobs: Blobs, keep: Callable[[str, bytes], str]) -> None:
    for data in (b"", b"weights", bytes(3 << 20)):
        name = keep("acme", data)
        assert blobs.size("acme", name) == len(data)
        assert b"".join(blobs.read("acme", name)) == data


def test_another_tenants_bytes_are_not_there(blobs: Blobs, keep: Callable[[str, bytes], str]) -> None:
    name = keep("acme", b"weights")
    assert blobs.size("beta", name) is None
    with pytest.raises(UnavailableError):
        list(blobs.read("beta", name))


def test_a_tenant_is_forgotten_alone(blobs: Blobs, keep: Callable[[str, bytes], str]) -> None:
    name = keep("acme", b"weights")
    keep("acme-2", b"weights")
    blobs.forget("acme")
    blobs.forget("never-was")
    assert blobs.size("acme", name) is None
    assert blobs.size("acme-2", name) == 7


def test_the_same_bytes_twice_are_the_same(blobs: Blobs, keep: Callable[[str, bytes], str]) -> None:
    assert keep("acme", b"weights") == keep("acme", b"weights")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A local server that speaks S3, and what names it: the settings' URL and the environment."""
    boto3: Any = import_module("boto3")  # it has no types
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    told = {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", endpoint_url=told["AWS_ENDPOINT"], region_name="us-east-1").create_bucket(Bucket="models")
    yield "s3://models/registry"
    server.stop()


def test_models_may_lie_in_s3(s3: str, tmp_path: Path) -> None:
    blobs = open_blobs(Places(tmp_path), ModelsSection(store=s3))
    data = bytes(range(256)) * 1000
    (tmp_path / "x").write_bytes(data)
    blobs.adopt("acme", sha256_hex(data), tmp_path / "x")
    assert blobs.size("acme", sha256_hex(data)) == len(data)
    assert blobs.size("beta", sha256_hex(data)) is None
    assert b"".join(blobs.read("acme", sha256_hex(data))) == data
    blobs.forget("acme")
    assert blobs.size("acme", sha256_hex(data)) is None


def test_a_store_that_is_away_is_a_no(tmp_path: Path) -> None:
    blobs = ObjectBlobs(_away)
    (tmp_path / "x").write_bytes(b"x")
    for act in (
        lambda: blobs.size("acme", "ab" * 32),
        lambda: list(blobs.read("acme", "ab" * 32)),
        lambda: blobs.adopt("acme", "ab" * 32, tmp_path / "x"),
        lambda: blobs.forget("acme"),
    ):
        with pytest.raises(UnavailableError):
            act()


def test_a_folder_that_cannot_be_used_is_a_no(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_bytes(b"a file")
    (tmp_path / "x").write_bytes(b"x")
    blobs = FolderBlobs(tmp_path / "blobs")
    with pytest.raises(UnavailableError):
        blobs.adopt("acme", "ab" * 32, tmp_path / "x")
    with pytest.raises(UnavailableError):
        blobs.size("acme", "ab" * 32)


def test_a_pipe_in_a_blobs_place_holds_nobody_up(tmp_path: Path) -> None:
    import os  # noqa: PLC0415

    blobs = FolderBlobs(tmp_path)
    place = blobs._place("acme", "ab" * 32)
    place.parent.mkdir(parents=True)
    os.mkfifo(place)
    assert blobs.size("acme", "ab" * 32) is None
