"""Which witnesses a log has: a small file in the data directory, ``witnesses.json``."""

from pathlib import Path

import msgspec

from ostiary.audit.tlog.notes import COSIGNATURE, parse_vkey
from ostiary.audit.witness.courier import WitnessPeer
from ostiary.errors import FaultyInputError
from ostiary.keys.files import write_private

FILE_NAME = "witnesses.json"


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    key: str


def read_peers(data: Path) -> list[WitnessPeer]:
    """Return the witnesses of the log in a data directory.

    Raises:
        FaultyInputError: ``witnesses_malformed``.
    """
    path = data / FILE_NAME
    try:
        entries = msgspec.json.decode(path.read_bytes(), type=list[_Entry])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise FaultyInputError("witnesses_malformed", f"`{path}` cannot be read") from fault
    return [peer_of(entry.url, entry.key) for entry in entries]


def add_peer(data: Path, peer: WitnessPeer) -> list[WitnessPeer]:
    """Add a witness, or change the address of one that is known by its key; return all."""
    others = [one for one in read_peers(data) if one.key != peer.key]
    peers = [*others, peer]
    write_private(data / FILE_NAME, msgspec.json.encode([_Entry(one.url, one.key.vkey()) for one in peers]) + b"\n")
    return peers


def peer_of(url: str, vkey: str) -> WitnessPeer:
    """Return a witness from its address and its verifier key.

    Raises:
        FaultyInputError: ``witness_invalid`` or ``vkey_malformed``.
    """
    key = parse_vkey(vkey)
    if key.kind != COSIGNATURE:
        raise FaultyInputError("witness_invalid", f"`{key.name}` is no witness key: it must have type 4")
    if not url.startswith(("https://", "http://")):
        raise FaultyInputError("witness_invalid", f"`{url[:200]}` is no address of a witness")
    return WitnessPeer(url, key)
