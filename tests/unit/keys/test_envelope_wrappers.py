"""One promise, three places for a tenant's key: private files, Vault's transit engine (a fake), AWS KMS (moto's)."""

import json
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError, VerificationError
from ostiary.keys.envelope_file import FileWrapper
from ostiary.keys.envelope_http import HttpSend, checked_url
from ostiary.keys.envelope_kms import KmsSettings, KmsWrapper
from ostiary.keys.envelope_ports import KeyWrapper, Wrapped
from ostiary.keys.envelope_sigv4 import Credentials, signed
from ostiary.keys.envelope_transit import TransitSettings, TransitWrapper
from ostiary.keys.files import private_folder, write_private
from ostiary.testing.fake_transit import TOKEN, FakeTransit
from ostiary.vocabulary.clock import SystemClock

KEY = bytes(range(32))


@pytest.fixture(scope="session")
def fake_kms() -> Iterator[str]:
    """The address of moto's KMS, a fake."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - takes a second, and only some tests need it

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server: ThreadedMotoServer = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


def transit(folder: Path, fake: FakeTransit) -> TransitWrapper:
    secret = private_folder(folder / "secret") / "token"
    write_private(secret, f"{TOKEN}\n".encode())
    return TransitWrapper(TransitSettings("https://vault.example", secret), folder / "kek", fake)


def kms(folder: Path, url: str) -> tuple[KmsWrapper, HttpSend]:
    secret = private_folder(folder / "secret") / "aws.json"
    write_private(secret, json.dumps({"access_key": "test", "secret_key": "test"}).encode())
    send = HttpSend()
    prefix = f"t{abs(hash(folder)) % 10**9}"
    return KmsWrapper(KmsSettings(url, "eu-central-1", secret, prefix), folder / "kek", SystemClock(), send), send


@pytest.fixture(params=["file", "transit", "kms"])
def wrapper(request: Any, tmp_path: Path) -> Iterator[KeyWrapper]:
    if request.param == "file":
        yield FileWrapper(tmp_path / "kek")
    elif request.param == "transit":
        yield transit(tmp_path, FakeTransit())
    else:
        found, send = kms(tmp_path, request.getfixturevalue("fake_kms"))
        yield found
        send.close()


def test_what_was_wrapped_comes_back(wrapper: KeyWrapper) -> None:
    wrapped = wrapper.wrap("default", KEY, b"here")
    assert wrapper.unwrap("default", wrapped, b"here") == KEY
    assert KEY not in wrapped.sealed
    assert wrapper.wrap("default", KEY, b"here").sealed != wrapped.sealed


def test_it_comes_back_for_the_same_purpose_and_tenant_only(wrapper: KeyWrapper) -> None:
    wrapped = wrapper.wrap("default", KEY, b"here")
    wrapper.wrap("acme", KEY, b"here")
    for tenant, bound in (("default", b"there"), ("default", b""), ("acme", b"here")):
        with pytest.raises(RefusedError) as no:
            wrapper.unwrap(tenant, wrapped, bound)
        assert no.value.code in {"sealed_data_refused", "key_destroyed"}


def test_a_changed_byte_is_noticed(wrapper: KeyWrapper) -> None:
    wrapped = wrapper.wrap("default", KEY, b"here")
    altered = wrapped.sealed[:-3] + bytes((wrapped.sealed[-3] ^ 1,)) + wrapped.sealed[-2:]
    with pytest.raises(VerificationError):
        wrapper.unwrap("default", Wrapped(wrapped.version, altered), b"here")


def test_rotation_leaves_the_old_and_retirement_destroys_it(wrapper: KeyWrapper) -> None:
    old = wrapper.wrap("default", KEY, b"here")
    version = wrapper.rotate("default")
    assert version == wrapper.current("default") != old.version
    new = wrapper.wrap("default", KEY, b"here")
    assert new.version == version
    assert wrapper.unwrap("default", old, b"here") == KEY
    assert wrapper.retire("default", version) == 1
    assert wrapper.unwrap("default", new, b"here") == KEY
    with pytest.raises(RefusedError) as no:
        wrapper.unwrap("default", old, b"here")
    assert no.value.code in {"key_destroyed", "sealed_data_refused"}
    assert wrapper.retire("default", version) == 0


def test_a_newer_version_survives_the_retirement_of_an_older_rotation(wrapper: KeyWrapper) -> None:
    first = wrapper.rotate("default")
    wrapper.rotate("default")
    newest = wrapper.wrap("default", KEY, b"here")
    wrapper.retire("default", first)
    assert wrapper.unwrap("default", newest, b"here") == KEY


def test_a_shredded_tenant_gets_no_key_again(wrapper: KeyWrapper) -> None:
    wrapped = wrapper.wrap("default", KEY, b"here")
    other = wrapper.wrap("acme", KEY, b"here")
    wrapper.shred("default")
    wrapper.shred("default")
    for attempt in (
        lambda: wrapper.unwrap("default", wrapped, b"here"),
        lambda: wrapper.wrap("default", KEY, b"here"),
        lambda: wrapper.current("default"),
        lambda: wrapper.rotate("default"),
    ):
        with pytest.raises(RefusedError) as no:
            attempt()
        assert no.value.code == "tenant_shredded"
    assert wrapper.unwrap("acme", other, b"here") == KEY


def test_a_tenant_that_never_had_a_key_can_be_shredded(wrapper: KeyWrapper) -> None:
    wrapper.shred("never")
    with pytest.raises(RefusedError, match="erased"):
        wrapper.wrap("never", KEY, b"here")


def test_files_are_private_and_hold_nothing_but_the_key(tmp_path: Path) -> None:
    wrapper = FileWrapper(tmp_path / "kek")
    wrapper.wrap("default", KEY, b"here")
    (path,) = (tmp_path / "kek").glob("*.key")
    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "kek").stat().st_mode & 0o777 == 0o700
    path.chmod(0o640)
    with pytest.raises(RefusedError) as no:
        wrapper.wrap("default", KEY, b"here")
    assert no.value.code == "key_permissions"
    assert path.read_bytes().hex() not in repr(wrapper)


def test_a_version_is_a_number_and_no_path(tmp_path: Path) -> None:
    wrapper = FileWrapper(tmp_path / "kek")
    wrapped = wrapper.wrap("default", KEY, b"here")
    for version in ("../default.1", "1/../1", "", "1\0", "²"):
        with pytest.raises((RefusedError, ValueError)):
            wrapper.unwrap("default", Wrapped(version, wrapped.sealed), b"here")


def test_a_sealed_vault_is_unavailable_and_tells_no_secret(tmp_path: Path) -> None:
    fake = FakeTransit()
    wrapper = transit(tmp_path, fake)
    wrapped = wrapper.wrap("default", KEY, b"here")
    fake.down = True
    for attempt in (lambda: wrapper.unwrap("default", wrapped, b"here"), lambda: wrapper.wrap("default", KEY, b"h")):
        with pytest.raises(UnavailableError) as no:
            attempt()
        assert TOKEN not in str(no.value)


def test_a_token_that_expired_is_no_reason_to_say_that_a_key_is_gone(tmp_path: Path) -> None:
    fake = FakeTransit()
    wrapper = transit(tmp_path, fake)
    wrapped = wrapper.wrap("default", KEY, b"here")
    write_private(tmp_path / "secret" / "token", b"old")
    with pytest.raises(UnavailableError, match="403"):
        wrapper.unwrap("default", wrapped, b"here")
    write_private(tmp_path / "secret" / "token", TOKEN.encode())
    assert wrapper.unwrap("default", wrapped, b"here") == KEY


def test_a_key_of_another_in_kms_is_not_asked(tmp_path: Path, fake_kms: str) -> None:
    """Whoever writes the key folder must not make us unwrap under a key of his own."""
    wrapper, send = kms(tmp_path, fake_kms)
    wrapped = wrapper.wrap("default", KEY, b"here")
    foreign = Wrapped("arn:aws:kms:eu-central-1:666:key/mallory", wrapped.sealed)
    with pytest.raises(VerificationError, match="not this tenant's"):
        wrapper.unwrap("default", foreign, b"here")
    send.close()


def test_a_key_service_needs_https() -> None:
    assert checked_url("https://vault.example:8200/") == "https://vault.example:8200"
    assert checked_url("http://127.0.0.1:8200") == "http://127.0.0.1:8200"
    for url in ("http://vault.example", "ftp://vault", "https://user@vault", "https://vault/?q", "", "https://"):
        with pytest.raises(FaultyInputError) as no:
            checked_url(url)
        assert no.value.code == "key_service_url_invalid"


def test_a_key_service_that_is_away_fails_closed() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    send = HttpSend()
    with pytest.raises(UnavailableError, match="does not answer"):
        send("POST", f"http://127.0.0.1:{port}/", {}, b"{}")
    send.close()


def test_requests_are_signed_as_botocore_signs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore import auth, awsrequest  # type: ignore[import-untyped]  # noqa: PLC0415 - the judge, for this test only
    from botocore import credentials as theirs  # noqa: PLC0415

    url, body = "https://kms.eu-central-1.amazonaws.com", b'{"KeyId":"k"}'
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "TrentService.Encrypt"}
    now_ns = 1_790_000_000_000_000_000
    ours = signed(Credentials("AKID", "secret", "token"), "eu-central-1", url, headers, body, now_ns)
    request = awsrequest.AWSRequest(
        method="POST", url=url + "/", data=body, headers={**headers, "X-Amz-Date": ours["x-amz-date"]}
    )
    judge = auth.SigV4Auth(theirs.Credentials("AKID", "secret", "token"), "kms", "eu-central-1")
    request.context["timestamp"] = ours["x-amz-date"]
    request.headers["X-Amz-Security-Token"] = "token"
    request.headers["host"] = ours["host"]
    canonical = judge.canonical_request(request)
    signature = judge.signature(judge.string_to_sign(request, canonical), request)
    assert ours["authorization"].endswith(f"Signature={signature}")
