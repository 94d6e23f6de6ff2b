"""The script that pages load: one file, the same for everybody, under a lasting name and under one with its digest.

Pages of other origins may load it: a module is fetched with CORS, and nothing in it is anybody's secret.
"""

from base64 import b64encode
from functools import cache
from importlib.resources import files
from typing import Final

from ostiary.keys import sha256_hex
from ostiary.keys.hashing import sha256
from ostiary.server.wire import Reply

NAME: Final = "collector.js"
PREFIX: Final = "/biometrics/v1/"
_FOREVER: Final = b"public, max-age=31536000, immutable"
_WHILE: Final = b"public, max-age=300"


@cache
def source() -> bytes:
    """Return the script."""
    return files(__package__).joinpath("static", NAME).read_bytes()


def integrity() -> str:
    """Return what a page puts into ``integrity`` (Subresource Integrity)."""
    return f"sha256-{b64encode(sha256(source())).decode()}"


@cache
def scripts() -> dict[str, Reply]:
    """Return the script by path."""
    digest = sha256_hex(source())[:16]
    return {
        f"{PREFIX}{NAME}": _reply(_WHILE),
        f"{PREFIX}{digest}/{NAME}": _reply(_FOREVER),
    }


def _reply(kept: bytes) -> Reply:
    headers = {
        b"content-type": b"text/javascript; charset=utf-8",
        b"cache-control": kept,
        b"access-control-allow-origin": b"*",
        b"cross-origin-resource-policy": b"cross-origin",
        b"etag": f'"{sha256_hex(source())[:32]}"'.encode(),
    }
    return Reply(200, source(), tuple(headers.items()))
