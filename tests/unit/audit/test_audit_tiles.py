"""Tiles and what is served over HTTP: naive trees and tile trees agree; nothing is served that is not there."""

import pytest

from ostiary.audit import AuditLog
from ostiary.audit.tile_http import TileFace
from ostiary.audit.tlog.checkpoints import parse_body
from ostiary.audit.tlog.merkle import consistency_holds, inclusion_holds, leaf_hash, node_hash, root_of, split
from ostiary.audit.tlog.notes import parse_note
from ostiary.audit.tlog.tiles import Frontier, TileId, consistency_proof, inclusion_proof, parse_path, tiles_for
from ostiary.errors import FaultyInputError


def _naive(leaves: list[bytes]) -> bytes:
    """The recursive definition of RFC 6962 §2.1."""
    if len(leaves) == 1:
        return leaves[0]
    middle = split(len(leaves))
    return node_hash(_naive(leaves[:middle]), _naive(leaves[middle:]))


def test_the_frontier_agrees_with_the_definition_and_survives_reloading() -> None:
    leaves = [leaf_hash(b"%d" % number) for number in range(1500)]
    tiles: dict[tuple[int, int], bytes] = {}
    frontier = Frontier()
    for size, leaf in enumerate(leaves, 1):
        frontier.push(leaf)
        if size % 37 == 0 or size in {1, 255, 256, 257, 512, 1500}:
            tiles.update({(level, index): hashes for level, index, hashes in frontier.take_changed()})
            assert frontier.root() == _naive(leaves[:size]) == root_of(leaves[:size])
            frontier = Frontier.load(size, lambda level, index: tiles.get((level, index), b""))
            assert frontier.root() == _naive(leaves[:size])


def test_three_levels_of_tiles_give_right_proofs() -> None:
    size = 65_536 + 300
    leaves = [leaf_hash(b"%d" % number) for number in range(size)]
    frontier = Frontier()
    for leaf in leaves:
        frontier.push(leaf)
    tiles = {(level, index): hashes for level, index, hashes in frontier.take_changed()}
    assert set(tiles) == {(tile.level, tile.index) for tile in tiles_for(size)}
    root = frontier.root()
    assert root == root_of(leaves)

    def read(level: int, index: int) -> bytes:
        return tiles[level, index]

    for index in (0, 1, 255, 256, 65_535, 65_536, size - 1):
        assert inclusion_holds(index, size, leaves[index], inclusion_proof(index, size, read), root)
    for old in (1, 2, 255, 256, 257, 40_000, 65_535, 65_536, 65_537, size):
        assert consistency_holds(old, size, root_of(leaves[:old]), root, consistency_proof(old, size, read))


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/1",
        "tile/00/001",
        "tile/64/000",
        "tile/0/0001",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000/",
        "tile/entries/x001",
        "tile/-1/000",
        "tile/0/../000",
        "tile/0/000\n",
        "",
        "tile/0/" + "x001/" * 50 + "000",
    ],
)
def test_only_the_canonical_spelling_of_a_path_is_known(path: str) -> None:
    with pytest.raises(FaultyInputError):
        parse_path(path)


def test_paths_are_read_back() -> None:
    assert parse_path("tile/0/x001/x234/067") == TileId(0, 1234067)
    assert parse_path("tile/63/000.p/255") == TileId(63, 0, 255)
    assert parse_path("tile/entries/x001/000.p/7") == TileId(None, 1000, 7)


def test_the_face_serves_what_is_there_and_nothing_else(log: AuditLog) -> None:
    for number in range(300):
        log.append("default", "decision", f"dec_{number}", 1, b"x", "ann")
    log.append("default", "decision", "dec_300", 1, b"x", "ann").result(10)
    face = TileFace(log.store)
    checkpoint = face.answer("checkpoint")
    assert checkpoint.cache_control == "no-cache"
    assert checkpoint.content_type == "text/plain; charset=utf-8"
    size = parse_body(parse_note(checkpoint.body).text).size
    assert size == 301
    full = face.answer("tile/0/000")
    assert (full.status, len(full.body)) == (200, 8192)
    assert "immutable" in dict(full.headers)["cache-control"]
    assert face.answer("tile/0/001.p/45").body == face.answer("tile/0/001.p/20").body + log.store.tile(0, 1)[20 * 32 :]
    assert face.answer("tile/entries/001.p/45").body.count(b'"kind":"decision"') == 45
    assert face.answer("tile/1/000.p/1").status == 200
    for absent in ("tile/0/001", "tile/0/001.p/46", "tile/0/002.p/1", "tile/entries/001.p/46", "tile/2/000.p/1", "x"):
        assert face.answer(absent).status == 404


def test_the_face_can_serve_cosigned_checkpoints(log: AuditLog) -> None:
    face = TileFace(log.store, prefer_cosigned=True)
    assert face.answer("checkpoint").body == log.checkpoint()
    with log.store.transaction() as transaction:
        transaction.set_cosigned(b"cosigned\n")
    assert face.answer("checkpoint").body == b"cosigned\n"
