"""The transparency log of others: notes, checkpoints, proofs, receipts, entries, witness requests, tile paths."""

from typing import Final

from tests.fuzz.harness import Harness
from tests.fuzz.harness import code_of as _named

from ostiary.audit.tile_http import TileFace
from ostiary.audit.tlog.checkpoints import Checkpoint, parse_body, sign_checkpoint
from ostiary.audit.tlog.merkle import leaf_hash
from ostiary.audit.tlog.notes import NoteKey, parse_note, parse_vkey, verify_note
from ostiary.audit.tlog.proofs import LogProof, parse_proof
from ostiary.audit.tlog.tiles import Frontier, inclusion_proof, parse_path
from ostiary.audit.verifier import entries, signed
from ostiary.audit.verifier.leaves import Leaves
from ostiary.audit.verifier.receipt import verify_receipt
from ostiary.audit.witness.request import encode_request, parse_request
from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.keys import SigningKey
from ostiary.testing.memory_store import MemoryStore

KEY: Final = SigningKey.from_seed("law", bytes(range(32)))
ORIGIN: Final = "law.test/log"
VKEY: Final = NoteKey(ORIGIN, KEY.public)
LEAF: Final = b'{"v":1,"kind":"k","id":"7","ts":1,"at":1,"tenant":"t","commit":"c"}'
FACE: Final = TileFace(MemoryStore())


def _receipt() -> bytes:
    frontier = Frontier()
    for _ in range(20):
        frontier.push(leaf_hash(LEAF))
    tiles = {(level, index): hashes for level, index, hashes in frontier.take_changed()}
    path = inclusion_proof(7, 20, lambda level, index: tiles[level, index])
    note = sign_checkpoint(Checkpoint(ORIGIN, 20, frontier.root()), [KEY])
    return LogProof(7, tuple(path), note, LEAF).text()


def note(data: bytes) -> object:
    """Both implementations read it; who verifies with one key agrees with the other."""
    read = parse_note(data)
    known = bool(verify_note(read, [VKEY]))
    try:
        signed.read_checkpoint(data, [signed.read_vkey(VKEY.vkey())])
        agreed = known
    except OstiaryError as fault:
        _named(fault)
        agreed = True  # it may refuse more: the body must be a checkpoint's
    assert agreed
    return known, parse_body(read.text)


def receipt(data: bytes) -> object:
    proof = parse_proof(data)
    assert parse_proof(proof.text()) == proof
    return verify_receipt(data, [signed.read_vkey(VKEY.vkey())]).entry.id


def entry(data: bytes) -> object:
    try:
        return entries.read_entry(data)
    except FaultyInputError as fault:
        _named(fault)
    return len(entries.unbundle(data, 256)), Leaves.load(data)


def request(data: bytes) -> object:
    read = parse_request(data)
    return encode_request(read.old_size, read.proof, read.note)


def names(data: bytes) -> object:
    text = data.decode("latin-1")
    assert FACE.answer(text).status in {200, 404}
    return parse_path(text) if "tile" in text else (parse_vkey(text), signed.read_vkey(text))


_RECEIPT = _receipt()
_NOTE = sign_checkpoint(Checkpoint(ORIGIN, 20, bytes(32)), [KEY])

HARNESSES: Final = (
    Harness("tlog_note", note, (_NOTE,)),
    Harness("tlog_receipt", receipt, (_RECEIPT,)),
    Harness("tlog_entry", entry, (LEAF, len(LEAF).to_bytes(2, "big") + LEAF)),
    Harness("witness_request", request, (b"old 8\n" + b"A" * 43 + b"=\n\n" + _NOTE,)),
    Harness("tlog_names", names, (VKEY.vkey().encode(), b"/log/tile/0/x001/x234/067.p/5", b"tile/entries/000")),
)
