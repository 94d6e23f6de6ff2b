import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.pipeline.datasets.credentials import read_secrets
from ostiary.pipeline.datasets.places import Where, place_of
from ostiary.pipeline.datasets.spec import DatasetSpec, read_spec
from ostiary.pipeline.datasets.stores import Stores


@pytest.mark.parametrize(
    "store",
    [
        "", "ftp://x", "http://169.254.169.254/latest", "https://bucket", "s3://", "s3://169.254.169.254", "s3://a",
        "s3://lake/../x", "s3://lake/inner", "s3://user@lake", "s3://lake:443", "s3://lake?x=1", "s3://lake#x",
        "s3://la%6be", "s3://lake\n", "s3://UPPER", "gs://", "az://acc", "az://ac/c", "az://account/..",
        "az://account.evil.example/container", "s3://a..b", "memory:///x", "file://host/tmp", "file:tmp", "file:///etc",
        "file:///", "s3://[::1]", "s3://lake\u2024x",
    ],
)  # fmt: skip
def test_whoever_registers_cannot_send_the_server_anywhere(store: str, tmp_path: Path) -> None:
    with pytest.raises(FaultyInputError) as no:
        place_of(store, "", "", Where(roots=(tmp_path,)))
    assert no.value.code == "dataset_store_refused"


@pytest.mark.parametrize(
    "endpoint",
    ["http://169.254.169.254", "http://127.0.0.1:1", "https://minio.example", "https://minio.example:9000/x"],
)
def test_an_endpoint_is_one_of_the_settings_to_the_letter(endpoint: str) -> None:
    where = Where(endpoints=("https://minio.example:9000",))
    assert place_of("s3://lake", "https://minio.example:9000", "", where).custom
    for store in ("s3://lake", "gs://lake", "az://account/container", "file:///tmp"):
        with pytest.raises(FaultyInputError):
            place_of(store, endpoint, "", where)


def test_the_clouds_addresses_are_made_here() -> None:
    where = Where()
    assert place_of("s3://lake", "", "", where).url == "https://s3.us-east-1.amazonaws.com"
    assert place_of("gs://lake", "", "", where).url == "https://storage.googleapis.com"
    assert place_of("az://account/lake", "", "", where).url == "https://account.blob.core.windows.net"


def test_a_folder_lies_in_a_root_after_every_link(tmp_path: Path) -> None:
    root, secret = tmp_path / "root", tmp_path / "secret"
    for folder in (root / "lake", secret):
        folder.mkdir(parents=True)
    (root / "out").symlink_to(secret)
    where = Where(roots=(root,))
    assert place_of(f"file://{root}/lake", "", "", where).container == str(root / "lake")
    for path in (f"{root}/out", f"{root}/lake/../../secret", f"{root}/none", str(secret), f"{root}-other"):
        with pytest.raises(FaultyInputError):
            place_of(f"file://{path}", "", "", where)


def test_the_servers_own_folders_are_no_dataset(tmp_path: Path) -> None:
    for name in ("data/keys", "lake"):
        (tmp_path / name).mkdir(parents=True)
    where = Where(roots=(tmp_path,), own=(tmp_path / "data",))
    assert place_of(f"file://{tmp_path}/lake", "", "", where).kind == "file"
    for folder in (tmp_path / "data", tmp_path / "data" / "keys", tmp_path):
        with pytest.raises(FaultyInputError):
            place_of(f"file://{folder}", "", "", where)


def test_a_folder_that_became_a_link_is_not_opened(tmp_path: Path) -> None:
    lake, secret = tmp_path / "root" / "lake", tmp_path / "secret"
    lake.mkdir(parents=True)
    secret.mkdir()
    stores = Stores(Where(roots=(tmp_path / "root",)), tmp_path)
    spec = DatasetSpec(store=f"file://{lake}")
    stores.objects("acme", spec)
    lake.rmdir()
    lake.symlink_to(secret)
    with pytest.raises(FaultyInputError):
        stores.objects("acme", spec)


class Listening(BaseHTTPRequestHandler):
    """Answers that there is nothing, and remembers how it was asked."""

    asked: ClassVar[list[dict[str, str]]] = []

    def do_HEAD(self) -> None:
        self.asked.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


AMBIENT = {
    "AWS_ACCESS_KEY_ID": "AMBIENT", "AWS_SECRET_ACCESS_KEY": "ambient", "AWS_SESSION_TOKEN": "ambient",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "AWS_ALLOW_HTTP": "true",
    "AWS_SKIP_SIGNATURE": "false", "AWS_ROLE_ARN": "ambient", "AWS_WEB_IDENTITY_TOKEN_FILE": "/ambient",
    "AZURE_STORAGE_ACCOUNT_KEY": "YW1iaWVudA==", "AZURE_STORAGE_SAS_TOKEN": "sv=ambient",
    "AZURE_STORAGE_TOKEN": "ambient",
    "AZURE_STORAGE_ENDPOINT": "http://127.0.0.1:1", "AZURE_STORAGE_CLIENT_SECRET": "ambient",
}  # fmt: skip


@pytest.mark.parametrize(
    ("store", "secret", "wanted"),
    [
        ("s3://lake", {"access_key_id": "OURS", "secret_access_key": "x"}, "Credential=OURS/"),
        ("s3://lake", {}, ""),
        ("az://account/lake", {"account_key": "b3Vycw=="}, "SharedKey account:"),
        ("az://account/lake", {"sas_token": "sv=ours"}, "sv=ours"),
        ("az://account/lake", {}, ""),
        ("gs://lake", {}, ""),
    ],
)
def test_the_servers_own_identity_is_never_lent(
    store: str, secret: dict[str, str], wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in AMBIENT.items():
        monkeypatch.setenv(name, value)
    Listening.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Listening) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        given = {"OSTIARY_DATASET_X": json.dumps(secret)}
        stores = Stores(Where(endpoints=(address,)), tmp_path, environ=given)
        reference = "env:OSTIARY_DATASET_X" if secret else ""
        objects = stores.objects("acme", DatasetSpec(store=store, endpoint=address, credentials=reference))
        with pytest.raises(RefusedError):
            objects.open("a")
        server.shutdown()
        thread.join()
    (asked,) = Listening.asked
    assert "ambient" not in json.dumps(asked).lower()
    told = asked.get("authorization", "") + asked["path"].partition("?")[2]
    assert told.startswith(wanted) or wanted in told
    assert bool(told) == bool(secret)
    assert "x-amz-security-token" not in asked


def test_googles_ambient_credentials_are_refused_not_mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_BEARER_TOKEN", "ambient")
    stores = Stores(Where(), tmp_path, environ={"OSTIARY_DATASET_X": '{"service_account_key": "{}"}'})
    with pytest.raises(UnavailableError) as no:
        stores.objects("acme", DatasetSpec(store="gs://lake", credentials="env:OSTIARY_DATASET_X"))
    assert (no.value.code, "ambient" in no.value.message) == ("dataset_environment_mixed", False)


@pytest.mark.parametrize(
    "reference",
    ["env:AWS_SECRET_ACCESS_KEY", "env:PATH", "env:OSTIARY_SERVER__KEY", "file:../x", "file:/etc/shadow", "file:.x",
     "AKIA:secret", "env:", "file:a/b", "env:OSTIARY_DATASET_x\n"],
)  # fmt: skip
def test_no_other_secret_of_the_server_can_be_named(reference: str) -> None:
    with pytest.raises(FaultyInputError) as no:
        read_secrets(reference, {"PATH": "x", "AWS_SECRET_ACCESS_KEY": "y"}, Path("/"))
    assert "secret" not in no.value.message.lower() or reference not in no.value.message


def test_secrets_are_read_where_they_are_kept_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "lake.json").write_text('{"access_key_id": "AKIA1", "secret_access_key": "hush"}')
    (tmp_path / "lake.json").chmod(0o600)
    found = read_secrets("file:lake.json", {}, tmp_path)
    assert "hush" not in repr(found)
    assert found.take("access_key_id", "secret_access_key")["secret_access_key"] == "hush"
    with pytest.raises(FaultyInputError):
        found.take("access_key_id")
    same = read_secrets("env:OSTIARY_DATASET_LAKE", {"OSTIARY_DATASET_LAKE": '{"account_key": "hush"}'}, None)
    assert same.take("account_key") == {"account_key": "hush"}


def test_a_secret_that_others_may_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "lake.json").write_text("{}")
    (tmp_path / "lake.json").chmod(0o644)
    with pytest.raises(RefusedError):
        read_secrets("file:lake.json", {}, tmp_path)
    with pytest.raises(UnavailableError):
        read_secrets("env:OSTIARY_DATASET_NONE", {}, tmp_path)
    with pytest.raises(FaultyInputError) as no:
        read_secrets("env:OSTIARY_DATASET_BAD", {"OSTIARY_DATASET_BAD": "hush hush"}, tmp_path)
    assert "hush" not in no.value.message
    assert no.value.__cause__ is None


@pytest.mark.parametrize(
    "value",
    [
        {}, {"store": 1}, {"store": "s3://a", "unknown": 1}, {"store": "s3://a", "prefix": "../x"},
        {"store": "s3://a", "purposes": ["Upper"]}, {"store": "s3://a", "producers": {"ci": "no pem"}},
        {"store": "s3://a", "reads": "verified"}, {"store": "s3://a", "region": "eu\n"},
        {"store": "s3://a", "region": "x.evil.example/"}, {"store": "s3://a", "max_read_bytes": -1},
    ],
)  # fmt: skip
def test_a_malformed_dataset_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(FaultyInputError):
        read_spec(value)
