"""Laws of the log: every proof holds, every altered byte is refused, every parser survives every input."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.audit.tile_http import TileFace
from ostiary.audit.tlog.checkpoints import Checkpoint, parse_body, sign_checkpoint
from ostiary.audit.tlog.cosignatures import cosign, verify_cosignatures
from ostiary.audit.tlog.merkle import consistency_holds, inclusion_holds, leaf_hash, root_of
from ostiary.audit.tlog.notes import (
    COSIGNATURE,
    NoteKey,
    parse_note,
    parse_vkey,
    sign_text,
    signature_line,
    verify_note,
    write_note,
)
from ostiary.audit.tlog.proofs import LogProof, parse_proof
from ostiary.audit.tlog.tiles import Frontier, bundle, consistency_proof, inclusion_proof, parse_path, tile_path
from ostiary.audit.verifier import entries, signed, trees
from ostiary.audit.verifier.diagnose import diagnose
from ostiary.audit.verifier.leaves import Leaves
from ostiary.audit.verifier.receipt import verify_receipt
from ostiary.audit.verifier.sources import tile_name
from ostiary.audit.witness.request import encode_request, parse_request
from ostiary.errors import FaultyInputError, VerificationError
from ostiary.keys import SigningKey
from ostiary.testing.memory_store import MemoryStore

KEY = SigningKey.from_seed("law", bytes(range(32)))
ORIGIN = "law.test/log"
LEAVES = [leaf_hash(b"%d" % number) for number in range(600)]
FRONTIER = Frontier()
for _leaf in LEAVES:
    FRONTIER.push(_leaf)
TILES = {(level, index): hashes for level, index, hashes in FRONTIER.take_changed()}


def _tile(level: int, index: int) -> bytes:
    return TILES[level, index]


@given(st.data())
def test_every_inclusion_proof_holds_for_both_implementations(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(LEAVES)))
    index = data.draw(st.integers(0, size - 1))
    root = root_of(LEAVES[:size])
    proof = inclusion_proof(index, size, _tile)
    assert inclusion_holds(index, size, LEAVES[index], proof, root)
    assert trees.includes(index, size, LEAVES[index], proof, root)
    assert root == trees.root_over(LEAVES[:size])


@given(st.data())
def test_every_consistency_proof_holds_for_both_implementations(data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(LEAVES)))
    old = data.draw(st.integers(0, size))
    roots = root_of(LEAVES[:old]), root_of(LEAVES[:size])
    proof = consistency_proof(old, size, _tile)
    assert consistency_holds(old, size, *roots, proof)
    assert trees.extends(old, size, *roots, proof)


@given(st.data())
def test_both_implementations_agree_on_any_proof(data: st.DataObject) -> None:
    """Right or wrong, sizes and hashes mixed at will: the two never disagree."""
    sizes = st.integers(0, 40)
    hashes = st.sampled_from([*LEAVES[:8], *(root_of(LEAVES[:n]) for n in range(12)), b"short"])
    old, size = data.draw(sizes), data.draw(sizes)
    proof = data.draw(st.lists(hashes, max_size=7) | st.just(consistency_proof(min(old, size), size, _tile)))
    one, two = data.draw(hashes), data.draw(hashes)
    assert inclusion_holds(old, size, one, proof, two) == trees.includes(old, size, one, proof, two)
    assert consistency_holds(old, size, one, two, proof) == trees.extends(old, size, one, two, proof)


@given(st.integers(1, 300), st.data())
def test_a_proof_with_any_byte_altered_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, _tile)
    root = root_of(LEAVES[:size])
    if not proof:
        return
    at, byte, flip = data.draw(st.tuples(st.integers(0, len(proof) - 1), st.integers(0, 31), st.integers(1, 255)))
    broken = bytearray(proof[at])
    broken[byte] ^= flip
    altered = [*proof[:at], bytes(broken), *proof[at + 1 :]]
    assert not inclusion_holds(index, size, LEAVES[index], altered, root)
    assert not trees.includes(index, size, LEAVES[index], altered, root)


@given(st.integers(0, 10**12), st.binary(min_size=32, max_size=32), st.data())
def test_a_checkpoint_with_any_byte_altered_is_refused_by_both(size: int, root: bytes, data: st.DataObject) -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, size, root), [KEY])
    key = NoteKey(ORIGIN, KEY.public)
    head = signed.read_checkpoint(note, [signed.read_vkey(key.vkey())])
    assert (head.size, head.root) == (size, root)
    at, flip = data.draw(st.tuples(st.integers(0, len(note) - 1), st.integers(1, 255)))
    altered = bytearray(note)
    altered[at] ^= flip
    judges: list[Callable[[bytes], Any]] = [
        lambda text: parse_body(parse_note(text).text) if verify_note(parse_note(text), [key]) else None,
        lambda text: signed.read_checkpoint(text, [signed.read_vkey(key.vkey())]),
    ]
    for judge in judges:
        with pytest.raises((FaultyInputError, VerificationError)):
            judge(bytes(altered))


def test_a_receipt_with_any_byte_altered_is_refused() -> None:
    leaves = [b'{"v":1,"kind":"k","id":"%d","ts":1,"at":1,"tenant":"t","commit":"c"}' % n for n in range(20)]
    frontier = Frontier()
    for data in leaves:
        frontier.push(leaf_hash(data))
    tiles = {(level, index): hashes for level, index, hashes in frontier.take_changed()}
    path = inclusion_proof(7, 20, lambda level, index: tiles[level, index])
    note = sign_checkpoint(Checkpoint(ORIGIN, 20, frontier.root()), [KEY])
    text = LogProof(7, tuple(path), note, leaves[7]).text()
    keys = [signed.read_vkey(NoteKey(ORIGIN, KEY.public).vkey())]
    assert verify_receipt(text, keys).entry.id == "7"
    for at in range(len(text)):
        for bit in range(8):
            altered = bytearray(text)
            altered[at] ^= 1 << bit
            with pytest.raises((FaultyInputError, VerificationError)):
                verify_receipt(bytes(altered), keys)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_every_parser_survives_every_input(data: bytes) -> None:
    text = data.decode(errors="replace")
    for parse in _parsers(data, text):
        with suppress(FaultyInputError, VerificationError):
            parse()
    assert TileFace(MemoryStore()).answer(text).status in {200, 404}


Parse = Callable[[], Any]


def _parsers(data: bytes, text: str) -> list[Parse]:
    return [
        lambda: parse_note(data),
        lambda: parse_body(data),
        lambda: parse_proof(data),
        lambda: parse_proof(b"c2sp.org/tlog-proof@v1\n" + data),
        lambda: parse_request(data),
        lambda: parse_request(b"old 1\n" + data),
        lambda: parse_vkey(text),
        lambda: parse_path(text),
        lambda: signed.read_vkey(text),
        lambda: signed.read_checkpoint(data, []),
        lambda: signed.origin_of(b"a\n1\n" + data),
        lambda: entries.read_entry(data),
        lambda: entries.unbundle(data, 256),
        lambda: Leaves.load(data),
        lambda: verify_receipt(data, []),
        lambda: verify_receipt(b"c2sp.org/tlog-proof@v1\nextra \n" + data, []),
    ]


@given(
    st.dictionaries(
        st.sampled_from(["v", "kind", "id", "ts", "at", "tenant", "commit", "x"]),
        st.none() | st.integers() | st.text(max_size=5),
    )
)
def test_entries_of_wrong_shape_are_refused_calmly(told: dict[str, Any]) -> None:
    try:
        entry = entries.read_entry(json.dumps(told).encode())
    except FaultyInputError:
        return
    assert told["v"] == 1
    assert entry.kind == told["kind"]


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_bundles_are_read_back(found: list[bytes]) -> None:
    assert entries.unbundle(bundle(found), 256) == found


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=50),
    st.integers(1, 2**60),
)
def test_notes_and_cosignatures_are_read_back(text: str, time_s: int) -> None:
    body = f"{text}\n".encode()
    if b"\n\n" in body or body.startswith(b"\n"):
        return
    lines = [sign_text(body, "a", KEY), cosign(body, "w", KEY, time_s)]
    note = parse_note(write_note(body, lines))
    assert note.text == body
    assert [line.name for line in note.signatures] == ["a", "w"]
    assert verify_note(note, [NoteKey("a", KEY.public)])
    (cosigned,) = verify_cosignatures(note, [NoteKey("w", KEY.public, COSIGNATURE)])
    assert cosigned.time_s == time_s
    assert signature_line(lines[0]).endswith(b"\n")


@given(st.integers(0, 10**9), st.lists(st.binary(min_size=32, max_size=32), max_size=40), st.binary(max_size=100))
def test_proofs_and_requests_are_read_back(number: int, path: list[bytes], extra: bytes) -> None:
    proof = LogProof(number, tuple(path), b"note\n", extra)
    assert parse_proof(proof.text()) == proof
    request = parse_request(encode_request(number, path, b"note\n"))
    assert (request.old_size, list(request.proof), request.note) == (number, path, b"note\n")


@given(st.integers(0, 63), st.integers(0, 10**9), st.integers(1, 256))
def test_both_sides_name_tiles_alike(level: int, index: int, width: int) -> None:
    assert tile_name(level, index, width) == tile_path(level, index, width)
    tile = parse_path(tile_path(level, index, width))
    assert (tile.level, tile.index, tile.width) == (level, index, width)


def _leaves(numbers: list[int]) -> Leaves:
    found = Leaves()
    for number in numbers:
        found.add(leaf_hash(b"%d" % number), number, number)
    return found


@settings(max_examples=tries(300, 1000))
@given(st.lists(st.integers(0, 30), unique=True, max_size=15), st.lists(st.integers(0, 30), unique=True, max_size=15))
def test_a_diagnosis_is_given_exactly_when_the_log_did_not_just_grow(old: list[int], new: list[int]) -> None:
    finding = diagnose(_leaves(old), _leaves(new), (), "law")
    grew = new[: len(old)] == old
    assert (finding is None) == grew
    if finding is not None and finding.index is not None:
        assert 0 <= finding.index <= max(len(old), len(new))


@given(st.lists(st.integers(-5, 5), max_size=20))
def test_leaves_are_read_back(numbers: list[int]) -> None:
    again = Leaves.load(_leaves(numbers).dump())
    assert list(again) == list(_leaves(numbers))
    assert again.ts.tolist() == numbers
