"""Each connector against the truth of its own source, and the tricks that a stale or lying source plays."""

import json
import os
import random
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pg8000 import native

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.rag.ports import Asker
from ostiary.rag.rights import permits
from ostiary.rag.sources.accounts import Account, ListedAccounts, SystemAccounts
from ostiary.rag.sources.feed import FeedSource
from ostiary.rag.sources.filesystem import FilesystemSource
from ostiary.rag.sources.git import GitSource
from ostiary.rag.sources.posix import PASS, READ, Node, layer, names, read_acl
from ostiary.rag.sources.relational import RelationalSource
from ostiary.storage.postgres.asked_rows import AskedRows, RowsOf
from ostiary.storage.postgres.link import PostgresSource
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.postgres import PostgresServer

ADA, BOB = Asker("t", "user:ada"), Asker("t", "user:bob")
ACCOUNTS = ListedAccounts({"user:ada": Account(5001, (600,)), "user:bob": Account(5002, (601,))})
ROOT = os.geteuid() == 0


def put(place: Path, text: str, mode: int = 0o644, owner: int = 5001, group: int = 600) -> Path:
    place.write_text(text)
    place.chmod(mode)
    if ROOT:
        os.chown(place, owner, group)
    return place


def folder(place: Path, mode: int = 0o755) -> Path:
    place.mkdir(exist_ok=True)
    place.chmod(mode)
    if ROOT:
        os.chown(place, 5001, 600)
    return place


def standing(source: Any, asker: Asker) -> set[str]:
    """Return what rules say, and check that the source itself says the same."""
    scan = source.scan({})
    documents = {one.id: one.revision for one in scan.changed}
    mine = source.principals(asker)
    by_rule = {name for name in documents if permits(scan.rights[name], mine)}
    assert source.check(asker, documents) == by_rule
    return by_rule


needs_root = pytest.mark.skipif(not ROOT, reason="only root may give files away")


@pytest.fixture
def root(open_folder: Path) -> Path:
    return folder(open_folder / "root")


@needs_root
def test_modes_owners_and_directories_on_the_way(root: Path) -> None:
    put(root / "mine.txt", "x", 0o600)
    put(root / "ours.txt", "x", 0o640, 5003, 601)
    put(root / "all.txt", "x")
    put(root / "not-the-owner.txt", "x", 0o044, 5001, 601)
    closed = folder(root / "closed", 0o700)
    put(closed / "deep.txt", "x")
    source = FilesystemSource("fs", root, ACCOUNTS)
    assert standing(source, ADA) == {"mine.txt", "all.txt", "closed/deep.txt"}
    assert standing(source, BOB) == {"ours.txt", "all.txt", "not-the-owner.txt"}
    assert standing(source, Asker("t", "user:nobody-knows")) == set()


def test_whoever_has_no_account_reads_nothing(root: Path) -> None:
    put(root / "all.txt", "x")
    assert standing(FilesystemSource("fs", root, SystemAccounts()), Asker("t", "user:root")) == set()
    assert standing(FilesystemSource("fs", root, SystemAccounts()), Asker("t", "service:daemon")) == set()
    with pytest.raises(FaultyInputError, match="root"):
        ListedAccounts({"user:ada": Account(0)})


@pytest.fixture
def open_root() -> Iterator[Path]:
    """A folder that other accounts can come to: they may not enter pytest's own."""
    above = Path(tempfile.mkdtemp(prefix="ostiary-tree-"))
    above.chmod(0o755)
    yield folder(above / "root")
    shutil.rmtree(above)


@needs_root
def test_the_kernel_says_the_same(open_root: Path) -> None:
    """Random trees, random accounts: our answer is that of a process which is that account."""
    root, chance = open_root, random.Random(3)  # noqa: S311 - trees of a test
    for number in range(40):
        inner = folder(root / f"d{number % 6}", chance.choice((0o755, 0o750, 0o700, 0o711, 0o744)))
        put(
            inner / f"{number}.txt",
            "x",
            chance.randrange(0o1000),
            chance.choice((5001, 5002, 5003)),
            chance.choice((600, 601)),
        )
    source = FilesystemSource("fs", root, ACCOUNTS)
    for asker, account in ((ADA, Account(5001, (600,))), (BOB, Account(5002, (601,)))):
        told = standing(source, asker)
        assert told == {path for path in _paths(root) if _kernel_reads(root / path, account)}


def _paths(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in root.rglob("*.txt")]


def _kernel_reads(path: Path, account: Account) -> bool:
    program = f"open({str(path)!r}).read()"
    done = subprocess.run(
        ["/usr/bin/python3", "-S", "-c", program],
        user=account.uid,
        group=account.gids[0],
        extra_groups=list(account.gids),
        capture_output=True,
        check=False,
        cwd="/",
    )
    return done.returncode == 0


def test_links_are_never_followed(root: Path, tmp_path: Path) -> None:
    outside = folder(tmp_path / "outside")
    put(outside / "secret.txt", "outside")
    (root / "file.txt").symlink_to(outside / "secret.txt")
    (root / "dir").symlink_to(outside)
    put(root / "plain.txt", "inside")
    scan = FilesystemSource("fs", root, ACCOUNTS).scan({})
    assert {one.id: one.text for one in scan.changed} == {"plain.txt": "inside"}


def test_a_link_that_is_swapped_in_while_we_look_shows_nothing(root: Path, tmp_path: Path) -> None:
    """Rights and text are of one open file: the name may change between the two, the file does not."""
    outside = folder(tmp_path / "outside")
    put(outside / "a.txt", "outside")
    inner = folder(root / "inner")
    put(inner / "a.txt", "inside")
    source = FilesystemSource("fs", root, ACCOUNTS)
    scan = source.scan({})
    inner.rename(root / "was")
    (root / "inner").symlink_to(outside)
    assert list(scan.changed) == []
    tricks = ("inner/a.txt", "../outside/a.txt", "inner/../inner/a.txt", "/etc/passwd")
    assert source.check(ADA, dict.fromkeys(tricks, "x")) == frozenset()


def test_a_file_that_changed_is_not_the_one_that_was_read(root: Path) -> None:
    place = put(root / "a.txt", "old words")
    source = FilesystemSource("fs", root, ACCOUNTS)
    documents = {one.id: one.revision for one in source.scan({}).changed}
    assert source.check(ADA, documents) == {"a.txt"}
    put(root / "b.txt", "new words").replace(place)
    assert source.check(ADA, documents) == frozenset()


def test_what_is_no_text_is_not_there(root: Path) -> None:
    (root / "bin.txt").write_bytes(b"\xff\xfe\x00")
    os.mkfifo(root / "pipe.txt")
    put(root / "a.png", "no text by its name")
    source = FilesystemSource("fs", root, ACCOUNTS)
    assert list(source.scan({}).changed) == []
    assert source.scan({}).rights == {}


def acl(*entries: tuple[int, int, int]) -> bytes:
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in entries)


@pytest.mark.parametrize(
    ("asker", "reads"),
    [
        (names(7, (8,)), True),  # the owner's entry
        (names(20, (8,)), False),  # a named user is masked, whatever the group may
        (names(21, (1,)), True),
        (names(30, (8,)), True),  # the owning group
        (names(30, (40,)), False),  # a named group without the permission, though others have it
        (names(30, (40, 41)), True),  # one of two groups is enough
        (names(30, (99,)), True),  # others
    ],
)
def test_an_acl_decides_in_the_order_of_posix(asker: frozenset[str], *, reads: bool) -> None:
    raw = acl((1, 6, 0), (2, 0, 20), (2, 4, 21), (4, 4, 0), (8, 0, 40), (8, 4, 41), (16, 4, 0), (32, 4, 0))
    assert permits((layer(Node(7, 8, 0o644, raw), READ),), asker) is reads


def test_the_mask_bounds_groups_and_named_users_alone() -> None:
    raw = acl((1, 4, 0), (2, 5, 20), (4, 5, 0), (16, 4, 0), (32, 1, 0))
    node = Node(7, 8, 0o755, raw)
    assert not permits((layer(node, PASS),), names(20, (1,)))
    assert permits((layer(node, READ),), names(20, (1,)))


@given(st.binary(max_size=80))
def test_any_bytes_are_an_acl_or_refused(raw: bytes) -> None:
    try:
        found = read_acl(raw)
    except FaultyInputError as fault:
        assert fault.code == "acl_invalid"  # noqa: PT017 - either outcome is right
    else:
        assert len(found) >= 3


def feed(path: Path, version: int, *documents: dict[str, Any]) -> None:
    path.write_text(json.dumps({"version": version, "documents": documents}))


def test_a_feed_denies_before_it_allows(tmp_path: Path) -> None:
    place = tmp_path / "feed.json"
    feed(place, 1, {"id": "a", "text": "x", "allow": ["*"], "deny": ["group:out"]}, {"id": "b", "text": "x"})
    source = FeedSource("f", place)
    assert standing(source, ADA) == {"a"}
    assert standing(source, Asker("t", "user:ada", ("out",))) == set()


def test_a_deleted_account_that_is_made_anew_is_somebody_else(tmp_path: Path) -> None:
    """Who names what is never given twice is safe: the new ada has another number."""
    place = tmp_path / "feed.json"
    feed(place, 1, {"id": "a", "text": "x", "allow": ["claim:employee=71"]})
    source = FeedSource("f", place)
    assert standing(source, Asker("t", "user:ada", claims={"employee": "71"})) == {"a"}
    assert standing(source, Asker("t", "user:ada", claims={"employee": "172"})) == set()


def test_a_group_whose_name_was_given_to_others_lets_them_in_and_its_old_members_out(tmp_path: Path) -> None:
    place = tmp_path / "feed.json"
    feed(place, 1, {"id": "a", "text": "x", "allow": ["group:board"]})
    source = FeedSource("f", place)
    assert standing(source, Asker("t", "user:ada", ("board-old",))) == set()
    odd = "board\"] OR '1'='1"
    feed(place, 2, {"id": "a", "text": "x", "allow": ["group:" + odd]})
    assert standing(source, Asker("t", "user:ada", (odd,))) == {"a"}
    assert standing(source, Asker("t", "user:ada", ("board",))) == set()


def test_an_old_feed_put_back_brings_no_right_back(tmp_path: Path) -> None:
    place = tmp_path / "feed.json"
    feed(place, 7, {"id": "a", "text": "x", "allow": ["user:bob"]})
    source = FeedSource("f", place)
    source.scan({})
    feed(place, 6, {"id": "a", "text": "x", "allow": ["user:ada"]})
    with pytest.raises(UnavailableError, match="older"):
        source.check(ADA, {"a": "1"})


def test_changes_line_by_line(tmp_path: Path) -> None:
    place = tmp_path / "feed.jsonl"
    lines = [
        {"seq": 1, "put": {"id": "a", "text": "x", "allow": ["user:ada"]}},
        {"seq": 2, "put": {"id": "b", "text": "y", "allow": ["*"]}},
        {"seq": 4, "rights": {"id": "a", "allow": ["user:bob"]}},
    ]
    place.write_text("".join(json.dumps(one) + "\n" for one in lines) + '{"seq": 5, "delete": "b"')
    source = FeedSource("f", place)
    assert (standing(source, ADA), standing(source, BOB)) == ({"b"}, {"a", "b"})
    with place.open("a") as opened:
        opened.write("}\n")
    assert (standing(source, ADA), standing(source, BOB)) == (set(), {"a"})
    with place.open("a") as opened:
        opened.write('{"seq": 5, "delete": "a"}\n')
    with pytest.raises(UnavailableError):
        source.scan({})


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_are_a_feed_or_away(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    for name in ("f.json", "f.jsonl"):
        place = tmp_path_factory.getbasetemp() / name
        place.write_bytes(raw)
        try:
            FeedSource("f", place).scan({})
        except OstiaryError as fault:
            assert fault.code == "source_unavailable"  # noqa: PT017 - either outcome is right


class Host:
    """One repository and what its host says of it."""

    def __init__(self, root: Path) -> None:
        self.work, self.told = root / "work", root / "host.json"
        self.version = 0
        self.work.mkdir()
        self.git("init", "-q", "-b", "main")
        self.commit(**{"readme.md": "the readme"})
        self.repo: dict[str, Any] = {"full_name": "acme/site", "git_dir": str(self.work / ".git"), "ref": "main"}
        self.more: dict[str, Any] = {}
        self.source = GitSource("g", self.told, FakeClock(), roots=(root,))

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        done = subprocess.run(command, cwd=self.work, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        for name, text in files.items():
            (self.work / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")
        return self.git("rev-parse", "HEAD")

    def say(self, **more: Any) -> None:
        self.version += 1
        told = {"version": self.version, "repos": [{**self.repo, **more}], **self.more}
        self.told.write_text(json.dumps(told))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


GITHUB = [
    ({"collaborators": [{"login": "ada", "permissions": {"pull": True}}]}, True),
    ({"collaborators": [{"login": "ada", "permissions": {"pull": False}}]}, False),
    ({"collaborators": [{"login": "bob", "permission": "admin"}]}, False),
    ({"teams": [{"slug": "web", "permission": "pull"}]}, True),
    ({"teams": [{"slug": "ops", "permission": "pull"}]}, False),
    ({"visibility": "internal"}, True),
    ({"visibility": "public", "private": True}, False),
    ({"visibility": "whatever"}, False),
    ({"members": [{"username": "ada", "access_level": 20}]}, True),
    ({"members": [{"username": "ada", "access_level": 10}]}, False),
    ({"members": [{"username": "ada", "access_level": 50, "state": "blocked"}]}, False),
    ({"members": [{"username": "ada", "access_level": 50, "expires_at": "1999-01-01"}]}, False),
    ({"members": [{"username": "ada", "access_level": 50, "expires_at": "2999-01-01"}]}, True),
    ({"shared_with_groups": [{"group_full_path": "web", "group_access_level": 30}]}, True),
]


@pytest.mark.parametrize(("access", "reads"), GITHUB)
def test_what_hosts_say_of_repositories(host: Host, access: dict[str, Any], *, reads: bool) -> None:
    host.more = {"teams": [{"slug": "web", "members": ["ada"]}, {"slug": "ops", "members": ["bob"]}]}
    host.say(**access)
    assert standing(host.source, ADA) == ({"acme/site:readme.md"} if reads else set())
    host.more["suspended"] = ["ada"]
    host.say(**access)
    assert standing(host.source, ADA) == set()


def test_a_renamed_team_takes_its_members_along(host: Host) -> None:
    host.more = {"teams": [{"slug": "web", "members": ["ada"]}]}
    host.say(teams=[{"slug": "web", "permission": "pull"}])
    assert standing(host.source, ADA) != set()
    host.more = {"teams": [{"slug": "web-old", "members": ["ada"]}, {"slug": "web", "members": ["bob"]}]}
    host.say(teams=[{"slug": "web-old", "permission": "pull"}])
    assert (standing(host.source, ADA) != set(), standing(host.source, BOB)) == (True, set())


def test_files_at_a_commit_and_neither_links_nor_hooks(host: Host) -> None:
    (host.work / "link.md").symlink_to("/etc/passwd")
    (host.work / ".gitattributes").write_text("*.md filter=evil\n")
    host.git("config", "filter.evil.smudge", "touch /tmp/ostiary-evil")
    pinned = host.commit(**{"b.md": "words at a commit"})
    host.commit(**{"b.md": "later words"})
    host.say(visibility="internal", ref="", commit=pinned)
    texts = {one.id: one.text for one in host.source.scan({}).changed}
    assert texts == {"acme/site:readme.md": "the readme", "acme/site:b.md": "words at a commit"}
    assert not Path("/tmp/ostiary-evil").exists()  # noqa: S108 - what must not be


def test_a_file_that_the_branch_no_longer_has_is_not_shown(host: Host) -> None:
    host.say(visibility="internal")
    documents = {one.id: one.revision for one in host.source.scan({}).changed}
    assert host.source.check(ADA, documents) == set(documents)
    host.git("rm", "-q", "readme.md")
    host.git("commit", "-q", "-m", "gone")
    assert host.source.check(ADA, documents) == frozenset()


@pytest.mark.parametrize("more", [{"ref": "--upload-pack=x"}, {"commit": "HEAD"}, {"git_dir": "/etc"}, {"ref": "none"}])
def test_a_host_that_lies_is_away(host: Host, more: dict[str, Any]) -> None:
    host.say(visibility="internal", **more)
    with pytest.raises(UnavailableError):
        host.source.scan({})


@pytest.fixture(scope="module", name="rows")
def rows_fixture(postgres: PostgresServer) -> Iterator[Any]:
    owner = native.Connection("postgres", host="127.0.0.1", port=postgres.port, database="postgres", ssl_context=False)
    for statement in (
        "CREATE ROLE filler LOGIN NOINHERIT BYPASSRLS PASSWORD 'p'",
        "CREATE ROLE staff NOLOGIN",
        "CREATE ROLE boss NOLOGIN",
        "CREATE ROLE nothing NOLOGIN",
        "CREATE ROLE wild NOLOGIN BYPASSRLS",
        "GRANT staff, boss, nothing, wild TO filler",
        "CREATE TABLE tickets (id int PRIMARY KEY, owner text, title text, body text)",
        "INSERT INTO tickets VALUES (1, 'user:ada', 'one', 'first'), (2, 'user:bob', 'two', 'second')",
        "INSERT INTO tickets VALUES (3, '*', 'three', 'third')",
        "ALTER TABLE tickets ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY own ON tickets TO staff USING (owner IN ('*', current_setting('app.asker', true)))",
        "CREATE POLICY every ON tickets TO boss USING (true)",
        "GRANT SELECT ON tickets TO filler, staff, boss, wild",
    ):
        owner.run(statement)
    owner.close()
    made: list[RelationalSource] = []

    def rows(roles: dict[str, str]) -> RelationalSource:
        where = RowsOf("public", "tickets", "id", ("title", "body"), "title", "app.asker")
        asked = AskedRows(PostgresSource("db", postgres.dsn("filler", "p")), where)
        made.append(RelationalSource("db", asked, roles))
        return made[-1]

    yield rows
    for one in made:
        one.close()


def test_the_database_says_who_reads_which_row(rows: Any) -> None:
    source = rows({"group:bosses": "boss", "*": "staff"})
    documents = {one.id: one.revision for one in source.scan({}).changed}
    assert set(documents) == {"1", "2", "3"}
    assert source.readable(ADA) == source.check(ADA, documents) == {"1", "3"}
    assert source.readable(BOB) == {"2", "3"}
    assert source.readable(Asker("t", "user:ada", ("bosses",))) == {"1", "2", "3"}
    assert source.readable(Asker("t", "user:x' OR '1'='1")) == {"3"}


def test_a_row_that_changed_hands_is_gone_at_once(rows: Any, postgres: PostgresServer) -> None:
    source = rows({"*": "staff"})
    documents = {one.id: one.revision for one in source.scan({}).changed}
    owner = native.Connection("postgres", host="127.0.0.1", port=postgres.port, database="postgres", ssl_context=False)
    owner.run("UPDATE tickets SET owner = 'user:bob' WHERE id = 1")
    assert source.check(ADA, documents) == {"3"}
    owner.run("UPDATE tickets SET owner = 'user:ada', body = 'changed' WHERE id = 1")
    assert source.check(ADA, documents) == {"3"}  # the text is another one than was read
    owner.run("UPDATE tickets SET body = 'first' WHERE id = 1")
    assert source.check(ADA, documents) == {"1", "3"}
    owner.close()


def test_groups_without_end_refuse() -> None:
    with pytest.raises(RefusedError, match="groups"):
        Asker("t", "user:ada", tuple(f"g{n}" for n in range(5000))).principals()
