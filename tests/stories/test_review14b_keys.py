"""Keys of tenants in a cloud's service: two who make the first one at once, and a shredding that did not happen."""

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.keys.envelope_http import Answer
from ostiary.keys.envelope_kms import KmsSettings, KmsWrapper
from ostiary.keys.envelope_transit import TransitSettings, TransitWrapper
from ostiary.keys.files import private_folder, write_private
from ostiary.testing.fake_transit import TOKEN, FakeTransit
from ostiary.vocabulary.clock import SystemClock


class FakeKms:
    """A FAKE of KMS: keys, one alias; ``meanwhile`` is done once while the first key is being made."""

    def __init__(self) -> None:
        self.living: dict[str, bool] = {}
        self.alias = ""
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        del method, url
        told, verb = json.loads(body), headers["x-amz-target"].rpartition(".")[2]
        if verb == "DescribeKey":
            found = {"KeyMetadata": {"KeyId": self.alias}}
            return Answer(200, found) if self.alias else Answer(400, {"__type": "NotFoundException"})
        if verb == "CreateKey":
            first, self.meanwhile = self.meanwhile, lambda: None
            first()
            key = f"key-{len(self.living)}"
            self.living[key] = True
            return Answer(200, {"KeyMetadata": {"KeyId": key}})
        if verb in {"CreateAlias", "UpdateAlias"}:
            if verb == "CreateAlias" and self.alias:
                return Answer(400, {"__type": "AlreadyExistsException"})
            self.alias = told["TargetKeyId"]
        elif verb == "DisableKey":
            self.living[told["KeyId"]] = False
        return Answer(200, {})


def _kms(folder: Path, fake: FakeKms) -> KmsWrapper:
    secret = private_folder(folder / "secret") / "aws.json"
    write_private(secret, json.dumps({"access_key": "a", "secret_key": "b"}).encode())
    settings = KmsSettings("https://kms.example", "eu-central-1", secret)
    return KmsWrapper(settings, folder / "kek", SystemClock(), fake)


class Beside:
    """Somebody who does something at the same time; how it ended is told."""

    def __init__(self, deed: Callable[[], object]) -> None:
        self.ended: list[object] = []
        self._deed = deed
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        self._thread.start()
        self._thread.join(0.3)  # done by now, unless it has to wait

    def result(self) -> object:
        self._thread.join(10)
        return self.ended[0]

    def _run(self) -> None:
        try:
            self.ended.append(self._deed())
        except OstiaryError as fault:
            self.ended.append(fault.code)


def test_two_who_make_a_tenants_first_key_at_once_make_one(tmp_path: Path) -> None:
    fake = FakeKms()
    wrapper = _kms(tmp_path, fake)
    other = Beside(lambda: wrapper.current("acme"))
    fake.meanwhile = other.begin
    made = wrapper.current("acme")
    assert other.result() == made == wrapper.current("acme")
    wrapper.shred("acme")
    assert fake.living == {made: False}


def test_no_key_is_made_while_its_tenant_is_shredded(tmp_path: Path) -> None:
    fake = FakeKms()
    wrapper = _kms(tmp_path, fake)
    other = Beside(lambda: wrapper.shred("acme"))
    fake.meanwhile = other.begin
    wrapper.current("acme")
    other.result()
    assert not any(fake.living.values())
    with pytest.raises(RefusedError):
        wrapper.current("acme")


def test_an_engine_that_refuses_to_let_a_key_go_is_not_believed_gone(tmp_path: Path) -> None:
    fake = FakeTransit()

    def send(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return Answer(400, {"errors": ["no"]}) if url.endswith("/config") else fake(method, url, headers, body)

    secret = private_folder(tmp_path / "secret") / "token"
    write_private(secret, TOKEN.encode())
    wrapper = TransitWrapper(TransitSettings("https://vault.example", secret), tmp_path / "kek", send)
    wrapper.wrap("acme", bytes(32), b"here")
    with pytest.raises(UnavailableError):
        wrapper.shred("acme")
    wrapper.shred("other")  # it never had a key: nothing is left to do
