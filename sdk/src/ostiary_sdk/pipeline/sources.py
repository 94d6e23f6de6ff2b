"""Where a stage gets the token that it exchanges: from the platform that runs it, read anew each time it is needed.

- GitHub Actions mints one on request, for an audience; the job needs the permission ``id-token: write``.
- GitLab puts one in a variable that the job names under ``id_tokens``; it is good once, so name one for each exchange.
- Kubernetes and SPIFFE helpers keep a file fresh.

A source is anything that returns a token when it is called. Nothing is remembered here, and nothing is shown.
"""

import ipaddress
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import msgspec

TokenSource = Callable[[], str]
MAX_TOKEN: Final = 16_384
MAX_ANSWER: Final = 65_536
TIMEOUT_S: Final = 10.0
KUBERNETES_PATH: Final = "/var/run/secrets/tokens/ostiary"
SPIFFE_PATH: Final = "/run/spiffe/jwt_svid.token"
GITLAB_VARIABLE: Final = "OSTIARY_ID_TOKEN"
_REQUEST_URL: Final = "ACTIONS_ID_TOKEN_REQUEST_URL"
_REQUEST_TOKEN: Final = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105 - the variable's name


class SourceError(RuntimeError):
    """The platform gave no token; the text never holds one."""


class _Minted(msgspec.Struct):
    value: str


@dataclass(frozen=True)
class _File:
    path: str

    def __call__(self) -> str:
        """Read the file."""
        try:
            with Path(self.path).open("rb") as file:
                raw = file.read(MAX_TOKEN + 1)
        except OSError as fault:
            raise SourceError(f"no token can be read from `{self.path}`: {fault.strerror}") from None
        return _checked(raw.decode("ascii", "replace"), f"`{self.path}`")


@dataclass(frozen=True)
class _Variable:
    name: str

    def __call__(self) -> str:
        """Read the variable."""
        return _checked(os.environ.get(self.name, ""), f"the variable `{self.name}`")


@dataclass(frozen=True)
class _GithubActions:
    audience: str

    def __call__(self) -> str:
        """Ask GitHub for a token for this audience."""
        url, secret = os.environ.get(_REQUEST_URL, ""), os.environ.get(_REQUEST_TOKEN, "")
        if not url or not secret:
            raise SourceError("this is no GitHub job with the permission `id-token: write`")
        _check_place(url)
        place = httpx.URL(url).copy_merge_params({"audience": self.audience})
        try:
            with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
                answer = client.get(place, headers={"Authorization": f"Bearer {secret}"})
        except httpx.HTTPError as fault:
            raise SourceError(f"GitHub cannot be asked for a token: {type(fault).__name__}") from None
        if answer.status_code != httpx.codes.OK or len(answer.content) > MAX_ANSWER:
            raise SourceError(f"GitHub gave no token: status {answer.status_code}")
        try:
            return _checked(msgspec.json.decode(answer.content, type=_Minted).value, "GitHub's answer")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise SourceError("GitHub's answer holds no token") from None


def from_file(path: str | Path) -> TokenSource:
    """Return the source that reads a file, anew each time."""
    return _File(str(path))


def kubernetes(path: str = KUBERNETES_PATH) -> TokenSource:
    """Return the source of a projected service-account token."""
    return _File(path)


def spiffe(path: str = SPIFFE_PATH) -> TokenSource:
    """Return the source of a JWT-SVID that a helper keeps in a file."""
    return _File(path)


def gitlab(variable: str = GITLAB_VARIABLE) -> TokenSource:
    """Return the source of a token that a GitLab job names under ``id_tokens``."""
    return _Variable(variable)


def github_actions(audience: str) -> TokenSource:
    """Return the source that asks GitHub for a token for ``audience``."""
    return _GithubActions(audience)


def _checked(token: str, where: str) -> str:
    token = token.strip()
    if not token or len(token) > MAX_TOKEN or not token.isascii() or any(c.isspace() for c in token):
        raise SourceError(f"{where} holds no token")
    return token


def _check_place(url: str) -> None:
    """Refuse to send the job's secret in the clear to another machine."""
    parts = httpx.URL(url)
    if parts.scheme == "https":
        return
    try:
        loopback = ipaddress.ip_address(parts.host).is_loopback
    except ValueError:
        loopback = parts.host == "localhost"
    if parts.scheme != "http" or not loopback:
        raise SourceError("GitHub's address for tokens is not https")
