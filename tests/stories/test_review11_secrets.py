"""Attack: have the model say a secret in a way that everyday software writes it, under a name that rules excuse.

- A password of signs or in groups is as much a password as sixteen letters and digits in a row.
- What makes a name another one, ``keystore``, ``ssh_key``, ``keys``, says nothing of a name of its own that follows it.
- A key in base64 is as much one on many lines, as ``base64`` writes it, as on one.
- No value, however it is made, keeps the judge for longer than its length.
"""

import time
from base64 import b64encode, encodebytes
from random import Random
from string import ascii_letters, ascii_lowercase, digits
from textwrap import wrap

import pytest

from ostiary.inspection.response import Leaks
from ostiary.inspection.response.looks import is_code

LEAKS = Leaks()
_CHANCE = Random(20261128)  # noqa: S311 - seeded


def _left(text: str) -> str:
    scan = LEAKS.scan()
    return "".join(map(scan.feed, text)) + scan.close()


def _drawn(alphabet: str, *sizes: int) -> str:
    return "-".join("".join(_CHANCE.choices(alphabet, k=size)) for size in sizes)


SIGNS = ascii_letters + digits + "!#^&*"


@pytest.mark.parametrize("said", ['password = "{}"', "DB_PASSWORD={}", '"client_secret": "{}"', "passphrase: '{}'"])
@pytest.mark.parametrize(
    ("alphabet", "sizes"),
    [(SIGNS, (20,)), (SIGNS, (16,)), (ascii_letters + digits, (6, 6, 6)), (ascii_lowercase + digits, (4,) * 5)],
)
def test_passwords_that_managers_make_do_not_leave(said: str, alphabet: str, sizes: tuple[int, ...]) -> None:
    values = [_drawn(alphabet, *sizes) for _ in range(40)]
    assert sum(value in _left(said.format(value)) for value in values) <= 6


def test_keys_in_groups_do_not_leave() -> None:
    values = [_drawn(ascii_lowercase + digits, 4, 4, 4, 4) for _ in range(40)]
    assert sum(value in _left(f"api_key: {value}\n") for value in values) <= 12


@pytest.mark.parametrize(
    "said",
    [
        '{{"keys": {{"client_secret": "{}"}}}}',
        "keys:\n  secret: {}\n",
        "tokens:\n  auth_token: {}\n",
        'api_keys = {{"secret": "{}"}}',
        '{{"ssh_keys": [], "password": "{}"}}',
        "ssh_key_password: {}",
        "host_key_password={}",
        "keystore.password={}",
        "spring.ssl.key-store-password={}",
        "keyvault_secret={}",
        "tokenizer_api_key={}",
        "API_KEYS={}",
        "The API key for the model: {}",
        "Your API key for the image endpoint is `{}`.",
        "password for image registry = {}",
    ],
)
def test_a_name_before_the_name_excuses_nothing(said: str) -> None:
    value = _drawn(ascii_letters + digits, 32)
    assert value not in _left(said.format(value))


@pytest.mark.parametrize(
    "text",
    [
        "primary_key = q7Xw2Lr9Tz4Kp8Vn3Bd5",
        "keystore = q7Xw2Lr9Tz4Kp8Vn3Bd5",
        "ssh host key q7Xw2Lr9Tz4Kp8Vn3Bd5",
        "cache key: 6a174c20-f6de-a53c-74d2-6018fcceff64",
        "csrf_token = q7Xw2Lr9Tz4Kp8Vn3Bd5",
        "key for the image, digest 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "api_key: claude-3-5-sonnet-20241022",
        "secretName: web-frontend-tls-2026",
    ],
)
def test_what_is_called_something_else_still_leaves(text: str) -> None:
    assert _left(text) == text


@pytest.mark.parametrize("said", ["secret_id: {}", 'VAULT_SECRET_ID="{}"', "SECRET_KEY={}", "master_key: {}"])
def test_an_identity_that_is_called_a_secret_does_not_leave(said: str) -> None:
    value = "6a174c20-f6de-a53c-74d2-6018fcceff64"
    assert value not in _left(said.format(value))


@pytest.mark.parametrize("kind", ["RSA ", "EC ", "OPENSSH ", ""])
@pytest.mark.parametrize("width", [64, 76, 4_000])
def test_a_key_in_lines_of_base64_does_not_leave(kind: str, width: int) -> None:
    body = encodebytes(_CHANCE.randbytes(1_200)).decode()
    pem = f"-----BEGIN {kind}PRIVATE KEY-----\n{body}-----END {kind}PRIVATE KEY-----\n"
    told = "\n".join(wrap(b64encode(pem.encode()).decode(), width))
    left = _left(f"Here it is:\n\n{told}\n\nKeep it safe.")
    assert left.startswith("Here it is:\n\n[REDACTED:secret.private-key-base64]")
    assert left.endswith("Keep it safe.")
    assert len(left) < 100, "what is left is the end of the last line"


def test_no_value_keeps_the_judge_for_long() -> None:
    many = "/" * 100_000 + "a"
    begin = time.process_time()
    assert not is_code(f"x{many}1")
    assert is_code(f"x{many}.1")
    assert time.process_time() - begin < 1
