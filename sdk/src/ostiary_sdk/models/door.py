"""The client of the registry's door: what may be loaded now, and its files, into a private folder.

- Answers are bounded: of the ticket, of each file, of all files. A path that is not plain is refused here too.
- A file is written as it comes and hashed; what is not what the ticket says is an error, and so is a broken connection.
- There is no second attempt with another answer: whoever wants one begins anew.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import httpx
import msgspec

from ostiary_sdk.settings import checked_url

_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z", re.ASCII)
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?\Z", re.ASCII)
_DEPTH: Final = 8
_NONCE: Final = "dpop-nonce"
_JSON: Final = "application/json"
Content = bytes | Iterator[bytes] | None
_FRESH: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class LoadError(Exception):
    """The model is not loaded; ``code`` says why, ``decision_id`` names the decision if there was one."""

    def __init__(self, code: str, message: str, decision_id: str = "") -> None:
        """Keep all three."""
        super().__init__(f"{message} ({code})")
        self.code, self.decision_id = code, decision_id


class Proves(Protocol):
    """Gives the headers of one request to a door, such as ``ostiary_sdk.pipeline.ExchangedToken``."""

    def headers(self, method: str, url: str, /) -> dict[str, str]:
        """Return the headers that prove the caller of this one request."""
        ...


class DoorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Times and bounds.

    Attributes:
        timeout_s: for connecting, and for each piece of an answer.
        max_ticket_bytes, max_bytes, max_files: of the ticket, of all files together, of files.
        allow_http: whether a server elsewhere may be asked without TLS.
        verify: whether, or against which file of authorities, its certificate is checked.
    """

    timeout_s: float = 30.0
    max_ticket_bytes: int = 64 << 20
    max_bytes: int = 1 << 40
    max_files: int = 10_000
    allow_http: bool = False
    verify: bool | str = True


class TicketFile(msgspec.Struct, frozen=True):
    """One file, as the registry tells of it."""

    path: str
    size: int
    sha256: str


class Ticket(msgspec.Struct, frozen=True):
    """What may be loaded now, as the registry says; nothing of it is believed before it was verified."""

    model: str
    version: int
    stage: str
    counter: int
    digest: str
    format: str
    files: list[TicketFile]
    documents: dict[str, str]
    decision_id: str = ""


class ModelDoor:
    """Asks the registry of one tenant."""

    def __init__(self, url: str, tenant: str, tokens: Proves, settings: DoorSettings | None = None) -> None:
        """Take where it is, and what proves the caller.

        Raises:
            ValueError: the address is none, or not safe to send a token to.
        """
        self.settings = settings or DoorSettings()
        self.url = checked_url(url, allow_http=self.settings.allow_http)
        self.tenant = tenant
        self._tokens = tokens
        self._client = httpx.Client(
            timeout=self.settings.timeout_s, verify=self.settings.verify, follow_redirects=False, trust_env=False
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ticket(self, name: str, stage: str) -> Ticket:
        """Ask what may be loaded now.

        Raises:
            LoadError: the registry refuses, or cannot be asked.
        """
        url = f"{self._base(name)}/load"
        with self._send("POST", url, content=msgspec.json.encode({"stage": stage})) as answer:
            data = self._read(answer)
        try:
            ticket = msgspec.json.decode(data, type=Ticket)
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise LoadError("answer_malformed", f"the registry's answer cannot be read: {fault}") from fault
        self._check(ticket, name, stage)
        return ticket

    def fetch(self, ticket: Ticket, folder: Path) -> None:
        """Write every file of a ticket below ``folder``, which is private and empty.

        Raises:
            LoadError: a file does not come, or is not the one of the ticket.
        """
        for file in ticket.files:
            place = folder / file.path
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            url = f"{self._base(ticket.model)}/files/{file.path}?stage={ticket.stage}&digest={ticket.digest}"
            with self._send("GET", url) as answer:
                _write(answer, file, place)

    def _check(self, ticket: Ticket, name: str, stage: str) -> None:
        if (ticket.model, ticket.stage) != (name, stage):
            raise LoadError("answer_other_model", "the registry answered for another model or stage")
        sizes, paths = [file.size for file in ticket.files], [file.path for file in ticket.files]
        too_much = len(paths) > self.settings.max_files or sum(sizes) > self.settings.max_bytes
        if too_much or min(sizes, default=0) < 0 or len(set(paths)) != len(paths):
            raise LoadError("answer_too_large", "the registry names too many files or bytes, or one twice")
        for path in paths:
            parts = path.split("/")
            if len(parts) > _DEPTH or not all(_PART.match(part) for part in parts):
                raise LoadError("answer_path", f"the registry names a file `{path[:80]}`, which is no plain path")

    def _base(self, name: str) -> str:
        if not _NAME.match(name):
            raise LoadError("model_name_invalid", f"`{name[:80]}` is no name of a model")
        return f"{self.url}/pipeline/{self.tenant}/models/{name}"

    def call(self, method: str, name: str, what: str, *, content: Content = None, kind: str = _JSON) -> dict[str, Any]:
        """Ask something of one model, and return the answer.

        Raises:
            LoadError: the registry refuses, or cannot be asked.
        """
        with self._send(method, f"{self._base(name)}/{what}", content, kind) as answer:
            data = self._read(answer)
        try:
            return msgspec.json.decode(data, type=dict[str, Any]) if data else {}
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise LoadError("answer_malformed", f"the registry's answer cannot be read: {fault}") from fault

    def _send(self, method: str, url: str, content: Content = None, kind: str = _JSON) -> "_Answer":
        answer = self._once(method, url, content, kind)
        heard = getattr(self._tokens, "heard", None)
        wants_nonce = answer.status_code == httpx.codes.UNAUTHORIZED and _NONCE in answer.headers
        if wants_nonce and heard is not None and (content is None or isinstance(content, bytes)):
            answer.close()  # RFC 9449 §8: the server wants its own nonce in the proof
            heard(url, answer.headers)
            answer = self._once(method, url, content, kind)
        if not answer.is_success:
            raise self._refusal(answer)
        return _Answer(answer)

    def _once(self, method: str, url: str, content: Content, kind: str) -> httpx.Response:
        headers = {**self._tokens.headers(method, url), "Content-Type": kind}
        try:
            return self._client.send(
                self._client.build_request(method, url, content=content, headers=headers), stream=True
            )
        except httpx.HTTPError as fault:
            raise LoadError("registry_away", f"the registry cannot be asked: {fault}") from fault

    def _refusal(self, answer: httpx.Response) -> LoadError:
        with _Answer(answer) as open_answer:
            data = self._read(open_answer)
        try:
            told = msgspec.json.decode(data, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            told = {}
        reasons = [one for one in told.get("reasons", []) if isinstance(one, str)]
        words = f"{told.get('message', 'the registry refused')}" + (f": {', '.join(reasons)}" if reasons else "")
        return LoadError(str(told.get("code", f"status_{answer.status_code}")), words, str(told.get("decision_id", "")))

    def _read(self, answer: httpx.Response) -> bytes:
        parts, length = list[bytes](), 0
        try:
            for piece in answer.iter_bytes():
                parts.append(piece)
                length += len(piece)
                if length > self.settings.max_ticket_bytes:
                    raise LoadError("answer_too_large", "the registry's answer is too long")
        except httpx.HTTPError as fault:
            raise LoadError("registry_away", f"the registry's answer broke off: {fault}") from fault
        return b"".join(parts)


class _Answer:
    """Closes a streamed answer at the end of a ``with``."""

    def __init__(self, answer: httpx.Response) -> None:
        self._answer = answer

    def __enter__(self) -> httpx.Response:
        return self._answer

    def __exit__(self, *_: object) -> None:
        self._answer.close()


def _write(answer: httpx.Response, file: TicketFile, place: Path) -> None:
    digest, length = hashlib.sha256(), 0
    try:
        with os.fdopen(os.open(place, _FRESH, 0o600), "wb") as out:
            for piece in answer.iter_raw():
                length += len(piece)
                if length > file.size:
                    break
                digest.update(piece)
                out.write(piece)
    except httpx.HTTPError as fault:
        raise LoadError("file_broke_off", f"`{file.path}` broke off: the registry did not vouch for it") from fault
    except OSError as fault:
        raise LoadError("folder_unusable", f"`{file.path}` cannot be written: {fault.strerror}") from fault
    if length != file.size or digest.hexdigest() != file.sha256:
        raise LoadError("file_other", f"`{file.path}` is not the file that the registry named")
