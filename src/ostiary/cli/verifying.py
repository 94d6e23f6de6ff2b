"""What ``ostiary audit verify`` needs around the verifier: sources, memory, witnesses, words."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from ostiary.audit.verifier import Memory, Report
from ostiary.audit.verifier.memory import default_memory, load_memory
from ostiary.audit.verifier.ports import LogSource
from ostiary.audit.verifier.signed import Vkey, origin_of, read_vkey
from ostiary.audit.verifier.sources import DirectorySource, HttpSource
from ostiary.audit.verifier.verify import remember_checkpoint
from ostiary.cli.output import err, out
from ostiary.cli.places import settings_of
from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.keys import sha256_hex
from ostiary.server.places import Places
from ostiary.server.settings.store import StoreSection
from ostiary.server.storing import open_source

_HISTORY_LIMIT: Final = 1 << 20
_TIMEOUT_S: Final = 10.0
_END: Final = b"----\n"


@contextmanager
def source_of(place: str | None, places: Places, *, payloads: bool) -> Iterator[LogSource]:
    """Open the log to verify: an address, a folder of tile files, or a data directory with its store."""
    with ExitStack() as opened:
        if place is None:
            store = settings_of(places.root, None).settings.store
            yield opened.enter_context(open_source(places, store, payloads=payloads))
        elif place.startswith(("http://", "https://")):
            yield opened.enter_context(closing(HttpSource(place)))
        elif (Path(place) / "ostiary.db").exists():
            yield opened.enter_context(open_source(Places(Path(place)), StoreSection(), payloads=payloads))
        else:
            yield DirectorySource(Path(place))


def vkeys_of(texts: Sequence[str]) -> list[Vkey]:
    """Return verifier keys; each text is a key, or a file with one a line."""
    found: list[Vkey] = []
    for text in texts:
        lines = Path(text).read_text(encoding="utf-8").split() if Path(text).is_file() else [text]
        found.extend(map(read_vkey, lines))
    return found


def memory_of(
    source: LogSource, file: Path | None, checkpoint: Path | None, keys: Sequence[Vkey]
) -> tuple[Path, Memory | None]:
    """Return where this log is remembered and what is remembered of it."""
    place = file or default_memory(origin_of(source.checkpoint()))
    if checkpoint is None:
        return place, load_memory(place)
    if not keys:
        raise FaultyInputError("key_missing", "a checkpoint from elsewhere needs the log's key: pass `--key`")
    return place, remember_checkpoint(read_bytes(checkpoint), keys)


def witnessed_by(urls: Sequence[str], origin: str) -> list[bytes]:
    """Return the checkpoints that witnesses have cosigned of this log, their history where they tell it.

    Raises:
        UnavailableError: ``witness_unavailable``: a witness that is asked for must answer.
    """
    found: list[bytes] = []
    name = sha256_hex(origin.encode())
    with httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False) as client:
        for url in urls:
            told = _get(client, f"{url.rstrip('/')}/{name}/history")
            notes = told.split(_END) if told else [_get(client, f"{url.rstrip('/')}/{name}/checkpoint")]
            found.extend(note for note in notes if note)
    return found


def read_bytes(path: Path) -> bytes:
    """Return a file's contents.

    Raises:
        UnavailableError: ``file_unavailable``.
    """
    try:
        return path.read_bytes()
    except OSError as fault:
        raise UnavailableError("file_unavailable", f"`{path}` cannot be read: {fault.strerror}") from fault


def told(report: Report, memory: Path | None, *, remembered: bool) -> dict[str, Any]:
    """Return the report for ``--json``."""
    place = str(memory) if memory is not None else None
    return {**msgspec.to_builtins(report), "verified": report.verified, "memory": place, "remembered": remembered}


def show(report: Report, memory: Path | None, *, remembered: bool) -> None:
    """Say the outcome in words."""
    for note in report.notes:
        err.print(note, markup=False, style="dim")
    if report.origin:
        out.print(f"log {report.origin}, {report.size:,} entries, root {report.root}", markup=False)
    if report.remembered_size is not None:
        out.print(f"remembered: {report.remembered_size:,} entries from last time", markup=False)
    if report.cosigned_by:
        out.print(f"cosigned by {', '.join(report.cosigned_by)}", markup=False)
    if report.payloads.looked:
        out.print(f"payloads: {report.payloads.opened:,} as recorded, {report.payloads.erased:,} erased on record")
    for finding in report.findings:
        place = "" if finding.index is None else f" at entry {finding.index}"
        out.print(
            f"{finding.attack.value}{place}: {finding.text} (seen by: {finding.evidence})", style="red", markup=False
        )
    if report.verified:
        out.print("verified", style="green")
    if remembered and memory is not None:
        err.print(f"remembered in {memory}", markup=False, style="dim")


def _get(client: httpx.Client, url: str) -> bytes:
    try:
        answer = client.get(url)
    except httpx.HTTPError as fault:
        raise UnavailableError("witness_unavailable", f"`{url}` does not answer: {fault}") from fault
    return answer.content[:_HISTORY_LIMIT] if answer.status_code == httpx.codes.OK else b""
