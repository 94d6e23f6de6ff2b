"""The published vectors: Merkle proofs of transparency-dev, the Tessera test log, the signed-note example.

The writer's code and the independent verifier's code are both held to them: they share nothing.
"""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ostiary.audit.tlog import merkle
from ostiary.audit.tlog.checkpoints import Checkpoint, parse_body, sign_checkpoint
from ostiary.audit.tlog.notes import parse_note, parse_vkey, verify_note
from ostiary.audit.tlog.tiles import Frontier, bundle
from ostiary.audit.verifier import signed, trees
from ostiary.errors import VerificationError
from ostiary.keys import SigningKey

ENTRIES = (
    *("one", "two", "three", "four", "five", "six", "seven", "eit", "nain", "ten"),
    *("ileven", "twelf", "threeten", "fourten", "fivten"),
)
ORIGIN = "example.com/log/testdata"
VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
SEED = base64.b64decode("AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg")[1:]


def _cases(shared: Path, kind: str) -> list[dict[str, object]]:
    return [
        json.loads(path.read_text())
        for path in sorted((shared / "vectors/tlog/merkle/testdata" / kind).rglob("*.json"))
    ]


def _hash(text: object) -> bytes:
    return base64.b64decode(str(text)) if text else b""


def _proof(case: dict[str, object]) -> list[bytes]:
    steps = case["proof"] or []
    assert isinstance(steps, list)
    return [_hash(step) for step in steps]


Inclusion = Callable[[int, int, bytes, list[bytes], bytes], bool]
Consistency = Callable[[int, int, bytes, bytes, list[bytes]], bool]


@pytest.mark.parametrize("holds", [merkle.inclusion_holds, trees.includes])
def test_inclusion_vectors(shared: Path, holds: Inclusion) -> None:
    cases = _cases(shared, "inclusion")
    assert len(cases) == 98
    for case in cases:
        index, size = int(str(case["leafIdx"])), int(str(case["treeSize"]))
        answer = holds(index, size, _hash(case["leafHash"]), _proof(case), _hash(case["root"]))
        assert answer is not case["wantErr"], case["desc"]


@pytest.mark.parametrize("holds", [merkle.consistency_holds, trees.extends])
def test_consistency_vectors(shared: Path, holds: Consistency) -> None:
    cases = _cases(shared, "consistency")
    assert len(cases) == 98
    for case in cases:
        size1, size2 = int(str(case["size1"])), int(str(case["size2"]))
        answer = holds(size1, size2, _hash(case["root1"]), _hash(case["root2"]), _proof(case))
        assert answer is not case["wantErr"], case["desc"]


def test_tessera_checkpoints_and_tiles_are_byte_identical(shared: Path) -> None:
    log = shared / "vectors/tlog/tessera/log"
    key = SigningKey.from_seed("tessera", SEED)
    frontier = Frontier()
    tiles: dict[tuple[int, int], bytes] = {}
    for size in range(len(ENTRIES) + 1):
        if size:
            frontier.push(merkle.leaf_hash(ENTRIES[size - 1].encode()))
            tiles.update({(level, index): hashes for level, index, hashes in frontier.take_changed()})
            assert tiles[0, 0] == (log / f"tile/0/000.p/{size}").read_bytes()
            assert (
                bundle(entry.encode() for entry in ENTRIES[:size]) == (log / f"tile/entries/000.p/{size}").read_bytes()
            )
        mine = sign_checkpoint(Checkpoint(ORIGIN, size, frontier.root()), [key])
        assert mine == (log / f"checkpoint.{size}").read_bytes()


def test_tessera_checkpoints_verify(shared: Path) -> None:
    key = parse_vkey(VKEY)
    assert key.vkey() == VKEY
    for size in range(len(ENTRIES) + 1):
        note = parse_note((shared / f"vectors/tlog/tessera/log/checkpoint.{size}").read_bytes())
        assert verify_note(note, [key]) == [key]
        assert parse_body(note.text).size == size


def test_tessera_checkpoints_verify_independently(shared: Path) -> None:
    key = signed.read_vkey(VKEY)
    for size in range(len(ENTRIES) + 1):
        note = (shared / f"vectors/tlog/tessera/log/checkpoint.{size}").read_bytes()
        head = signed.read_checkpoint(note, [key])
        leaves = [trees.hash_leaf(entry.encode()) for entry in ENTRIES[:size]]
        assert (head.origin, head.size, head.root) == (ORIGIN, size, trees.root_over(leaves))


# The example of c2sp.org/signed-note: facts of the format, in pieces.
NOTE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE_TEXT = b"This is an example message.\n"
NOTE_LINE = (
    "\N{EM DASH} example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
)


def test_the_signed_note_example_verifies() -> None:
    key = parse_vkey(NOTE_KEY)
    note = parse_note(NOTE_TEXT + b"\n" + NOTE_LINE.encode() + b"\n")
    assert note.text == NOTE_TEXT
    assert [signer.name for signer in verify_note(note, [key])] == ["example.com/foo"]


def test_the_signed_note_example_altered_is_refused() -> None:
    note = parse_note(NOTE_TEXT.replace(b"an", b"no") + b"\n" + NOTE_LINE.encode() + b"\n")
    with pytest.raises(VerificationError) as caught:
        verify_note(note, [parse_vkey(NOTE_KEY)])
    assert caught.value.code == "note_signature_invalid"
