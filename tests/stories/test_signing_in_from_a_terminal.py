"""A person signs in by the device flow; nothing secret is shown, and what is kept is of no use without its key."""

import json
import os
import stat
import subprocess
import sys

import pytest

from ostiary.testing.identity_provider import FakeProvider


def ostiary(home, *arguments, timeout=60):
    environment = {**os.environ, "OSTIARY_HOME": str(home)}
    command = [sys.executable, "-m", "ostiary.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=timeout)


@pytest.fixture
def provider():
    with FakeProvider() as one:
        one.approve = True
        yield one


def sign_in(home, provider, *more):
    return ostiary(home, "login", "--issuer", provider.url, "--client-id", "cli", "--json", *more)


def test_a_person_signs_in_looks_and_signs_out(provider, tmp_path):
    done = sign_in(tmp_path, provider)
    assert done.returncode == 0, done.stderr
    assert "WDJB-MJHT" in done.stderr
    told = json.loads(done.stdout)
    assert (told["issuer"], told["bound_to_key"], told["renewable"]) == (provider.url, True, True)
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size]
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    secrets = json.loads((tmp_path / "logins" / "default" / "login.json").read_text())["granted"]
    shown = done.stdout + done.stderr + ostiary(tmp_path, "login", "--status", "--json").stdout
    assert not [value for value in (secrets["access_token"], secrets["refresh_token"]) if value in shown]
    assert json.loads(ostiary(tmp_path, "login", "--end", "--json").stdout) == {"signed_out": True}
    assert provider.revoked == ["refresh-1"]
    assert ostiary(tmp_path, "login", "--status").returncode == 3


def test_a_person_who_says_no_is_not_signed_in(provider, tmp_path):
    provider.approve = None
    done = sign_in(tmp_path, provider)
    assert done.returncode == 3
    assert "the person said no" in done.stderr
    assert not (tmp_path / "logins" / "default" / "login.json").exists()


def test_two_sign_ins_do_not_mix(provider, tmp_path):
    assert sign_in(tmp_path, provider, "--as", "work").returncode == 0
    assert ostiary(tmp_path, "login", "--status").returncode == 3
    assert ostiary(tmp_path, "login", "--status", "--as", "work").returncode == 0
    assert ostiary(tmp_path, "login", "--status", "--as", "../work").returncode == 1


def test_nothing_is_sent_over_plain_http(tmp_path):
    done = ostiary(tmp_path, "login", "--issuer", "http://idp.example", "--client-id", "cli")
    assert done.returncode == 1
    assert "url_invalid" in done.stderr


def test_the_helper_listens_on_loopback_alone(provider, tmp_path):
    assert sign_in(tmp_path, provider).returncode == 0
    for host in ("0.0.0.0", "192.0.2.1", "example.com"):  # noqa: S104 - that is the attack
        done = ostiary(tmp_path, "connect", "--url", "https://gw.example", "--host", host, "--port", "0")
        assert (done.returncode, "address_not_loopback" in done.stderr) == (1, True)


def test_a_command_is_run_with_the_variables_and_its_exit_is_ours(provider, tmp_path):
    assert sign_in(tmp_path, provider).returncode == 0
    code = "import os, sys; print(os.environ['OPENAI_BASE_URL'], len(os.environ['OPENAI_API_KEY'])); sys.exit(7)"
    run = ("connect", "--url", "http://127.0.0.1:1", "--port", "0", "--", sys.executable, "-c", code)
    done = ostiary(tmp_path, *run)
    assert done.returncode == 7, done.stderr
    address, length = done.stdout.split()
    assert address.startswith("http://127.0.0.1:")
    assert int(length) >= 32
