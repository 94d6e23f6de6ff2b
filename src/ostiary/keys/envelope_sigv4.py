"""AWS signature version 4 for one POST of JSON to a service's root: all that KMS needs.

See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
from typing_extensions import override

from ostiary.errors import UnavailableError
from ostiary.keys.files import read_private
from ostiary.keys.hashing import keyed_hash, sha256_hex
from ostiary.vocabulary.unreadable import UNREADABLE

_SERVICE: Final = "kms"
_SECOND_NS: Final = 1_000_000_000


class Credentials(msgspec.Struct, frozen=True):
    """Who asks."""

    access_key: str
    secret_key: str
    session_token: str = ""

    @override
    def __repr__(self) -> str:
        """Show nothing secret."""
        return "Credentials(…)"

    @classmethod
    def read(cls, path: Path) -> "Credentials":
        """Read them from a private file, at each request: whoever renews them writes the file anew.

        Raises:
            RefusedError: ``key_permissions``.
            UnavailableError: ``key_unavailable``.
        """
        try:
            return msgspec.json.decode(read_private(path), type=cls)
        except UNREADABLE:
            text = f"`{path}` is no JSON object with `access_key` and `secret_key`"
            raise UnavailableError("key_unavailable", text) from None


def signed(
    credentials: Credentials, region: str, url: str, headers: Mapping[str, str], body: bytes, now_ns: int
) -> dict[str, str]:
    """Return the headers with a signature over them and the body."""
    at = datetime.fromtimestamp(now_ns // _SECOND_NS, UTC)
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    token = {"x-amz-security-token": credentials.session_token} if credentials.session_token else {}
    told = {**headers, "host": urlsplit(url).netloc, "x-amz-date": stamp, **token}
    names = ";".join(sorted(told))
    lines = "".join(f"{name}:{told[name].strip()}\n" for name in sorted(told))
    canonical = f"POST\n/\n\n{lines}\n{names}\n{sha256_hex(body)}"
    scope = f"{day}/{region}/{_SERVICE}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{sha256_hex(canonical.encode())}"
    steps = (day, region, _SERVICE, "aws4_request", to_sign)
    signature = reduce(
        lambda key, step: keyed_hash(key, step.encode()), steps, f"AWS4{credentials.secret_key}".encode()
    )
    who = f"Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature.hex()}"
    return {**told, "authorization": f"AWS4-HMAC-SHA256 {who}"}
