# mypy: disable-error-code="dict-item, var-annotated"
"""The Git host's connector over a real repository: rights that end, names that lie, repositories that bite."""

import json
import subprocess

import pytest

from ostiary.errors import UnavailableError
from ostiary.rag.ports import Asker, Known
from ostiary.rag.rights import digest
from ostiary.rag.sources.git import GitSource
from ostiary.testing.fake_clock import FakeClock

DAY_NS = 86_400 * 10**9
NOW_NS = 20_000 * DAY_NS  # 2024-10-04
ASKERS = {name: Asker("default", f"user:{name}") for name in ("ada", "bob", "eve", "Eve")}


def git(place, *arguments, **more):
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(place), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30, **more).stdout.strip()


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


class World:
    def __init__(self, root):
        self.root, self.version = root, 0
        self.clock = FakeClock(NOW_NS)
        (root / "git").mkdir()
        self.path = root / "host.json"
        self.source = GitSource("host", self.path, self.clock, roots=(root / "git",))

    def repo(self, name, **files):
        place = self.root / "git" / name
        if not place.exists():
            git(self.root, "init", "-q", "-b", "main", str(place))
        for file, text in files.items():
            (place / file.replace("_", ".")).write_text(text)
        git(place, "add", "-A")
        git(place, "commit", "-q", "--allow-empty", "-m", "x")
        return place

    def tell(self, *repos, **more):
        self.version += 1
        self.path.write_text(json.dumps({"version": self.version, "repos": repos, **more}))

    def readers(self):
        """Return by asker what the host lets them read, asked like a search asks."""
        scan = self.source.scan({})
        told = {one.id: one.revision for one in scan.changed}
        return {name: self.source.check(asker, told) for name, asker in ASKERS.items()}


def test_members_teams_levels_and_dates_decide(world):
    place = str(world.repo("site", a_md="words") / ".git")
    one = {"git_dir": place, "ref": "main"}
    read, none = {"site:a.md"}, frozenset()
    cases = [
        ({"full_name": "site", "collaborators": [{"login": "ada", "permissions": {"pull": True}}]}, True),
        (
            {"full_name": "site", "collaborators": [{"login": "ada", "permissions": {"pull": False, "push": True}}]},
            False,
        ),
        ({"full_name": "site", "collaborators": [{"login": "ada", "role_name": "read"}]}, True),
        ({"full_name": "site", "collaborators": [{"login": "ada", "role_name": "none"}]}, False),
        ({"full_name": "site", "teams": [{"slug": "web", "permission": "pull"}]}, True),
        ({"full_name": "site", "teams": [{"slug": "gone", "permission": "pull"}]}, False),
        ({"full_name": "site", "visibility": "internal"}, True),
        ({"full_name": "site", "visibility": "internal", "private": True}, False),
        ({"full_name": "site", "visibility": "INTERNAL"}, False),
        ({"path_with_namespace": "site", "members": [{"username": "ada", "access_level": 20}]}, True),
        ({"path_with_namespace": "site", "members": [{"username": "ada", "access_level": 10}]}, False),
        (
            {"path_with_namespace": "site", "members": [{"username": "ada", "access_level": 50, "state": "blocked"}]},
            False,
        ),
        (
            {
                "path_with_namespace": "site",
                "members": [{"username": "ada", "access_level": 30, "expires_at": "2024-10-01"}],
            },
            False,
        ),
        (
            {
                "path_with_namespace": "site",
                "members": [{"username": "ada", "access_level": 30, "expires_at": "2024-10-09"}],
            },
            True,
        ),
        (
            {"path_with_namespace": "site", "members": [{"username": "ada", "access_level": 30, "expires_at": "soon"}]},
            False,
        ),
        (
            {
                "path_with_namespace": "site",
                "shared_with_groups": [{"group_full_path": "web", "group_access_level": 30}],
            },
            True,
        ),
    ]
    for told, ada in cases:
        world.tell({**one, **told}, teams=[{"slug": "web", "members": ["ada"]}])
        assert world.readers()["ada"] == (read if ada else none), told


def test_an_access_ends_by_the_clock_alone(world):
    place = str(world.repo("site", a_md="words") / ".git")
    member = {"username": "ada", "access_level": 30, "expires_at": "2024-10-05"}
    world.tell({"path_with_namespace": "site", "git_dir": place, "members": [member]})
    assert world.readers()["ada"] == {"site:a.md"}
    world.clock = world.source._clock = FakeClock(NOW_NS + DAY_NS)
    assert world.readers()["ada"] == frozenset()


def test_whoever_is_suspended_reads_nothing_however_it_is_written(world):
    place = str(world.repo("site", a_md="words") / ".git")
    people = [{"login": name, "role_name": "read"} for name in ("ada", "eve", "Eve")]
    for suspended in ("Eve", "EVE", "eve"):
        world.tell({"full_name": "site", "git_dir": place, "collaborators": people}, suspended=[suspended])
        told = world.readers()
        assert (told["eve"], told["Eve"], told["ada"]) == (frozenset(), frozenset(), {"site:a.md"}), suspended


def test_a_new_commit_ends_the_old_text_before_anybody_reads_it_again(world):
    place = world.repo("site", a_md="the secret word")
    world.tell({"full_name": "site", "git_dir": str(place / ".git"), "visibility": "internal"})
    scan = world.source.scan({})
    told = {one.id: one.revision for one in scan.changed}
    assert world.source.check(ASKERS["ada"], told)
    world.repo("site", a_md="removed")
    assert world.source.check(ASKERS["ada"], told) == frozenset()


def test_a_pinned_commit_stays_what_it_is(world):
    place = world.repo("site", a_md="old")
    commit = git(place, "rev-parse", "HEAD")
    world.repo("site", a_md="new")
    world.tell({"full_name": "site", "git_dir": str(place / ".git"), "commit": commit, "visibility": "public"})
    assert [one.text for one in world.source.scan({}).changed] == ["old"]


def test_links_and_submodules_and_odd_files_are_no_documents(world):
    place = world.repo("site", a_md="words")
    (place / "link.md").symlink_to("/etc/passwd")
    (place / "binary.md").write_bytes(b"\xff\xfe")
    (place / "x.exe").write_bytes(b"x")
    world.repo("site")
    world.tell({"full_name": "site", "git_dir": str(place / ".git"), "visibility": "public"})
    assert {one.id: one.text for one in world.source.scan({}).changed} == {"site:a.md": "words", "site:binary.md": ""}


@pytest.mark.parametrize(
    "change",
    [
        {"git_dir": "/etc"},
        {"ref": "--output=/tmp/x"},
        {"ref": "main^{/x}"},
        {"ref": "../../etc"},
        {"commit": "main"},
        {"full_name": ""},
        {"full_name": "a:b"},
    ],
)
def test_places_and_refs_that_are_none_are_refused(world, change):
    place = str(world.repo("site", a_md="words") / ".git")
    world.tell({"full_name": "site", "git_dir": place, **change})
    with pytest.raises(UnavailableError):
        list(world.source.scan({}).changed)


def test_a_link_out_of_the_folder_of_repositories_is_refused(world):
    place = world.repo("site", a_md="words")
    outside = world.root / "outside"
    place.rename(outside)
    (world.root / "git" / "site").symlink_to(outside)
    world.tell({"full_name": "site", "git_dir": str(world.root / "git/site/.git"), "visibility": "public"})
    with pytest.raises(UnavailableError):
        world.source.scan({})


def test_a_repositorys_own_configuration_runs_nothing(world):
    place, mark = world.repo("site", a_md="words"), world.root / "ran"
    blob = git(place, "rev-parse", "HEAD:a.md")
    script = f"ext::sh -c 'touch {mark}'"
    for name, value in [
        ("core.fsmonitor", f"touch {mark}"),
        ("core.sshCommand", f"touch {mark}"),
        ("core.pager", f"touch {mark}"),
        ("diff.external", f"touch {mark}"),
        ("core.alternateRefsCommand", f"touch {mark}"),
        ("remote.origin.url", script),
        ("remote.origin.promisor", "true"),
        ("protocol.ext.allow", "always"),
        ("extensions.partialClone", "origin"),
        ("core.repositoryformatversion", "1"),
    ]:
        git(place, "config", name, value)
    world.tell({"full_name": "site", "git_dir": str(place / ".git"), "visibility": "public"})
    assert [one.text for one in world.source.scan({}).changed] == ["words"]
    (place / ".git/objects" / blob[:2] / blob[2:]).unlink()  # now it would have to be fetched
    with pytest.raises(UnavailableError):
        list(world.source.scan({}).changed)
    assert not mark.exists()


def test_rights_alone_are_told_alone(world):
    place = str(world.repo("site", a_md="words") / ".git")
    world.tell({"full_name": "site", "git_dir": place, "visibility": "internal"})
    scan = world.source.scan({})
    known = {one.id: Known(one.revision, digest(scan.rights[one.id])) for one in scan.changed}
    world.tell({"full_name": "site", "git_dir": place, "visibility": "private"})
    scan = world.source.scan(known)
    assert (list(scan.changed), set(scan.rights), scan.gone) == ([], {"site:a.md"}, ())
    world.tell()
    assert world.source.scan(known).gone == ("site:a.md",)


def test_an_older_answer_of_the_host_brings_nothing_back(world):
    place = str(world.repo("site", a_md="words") / ".git")
    world.tell({"full_name": "site", "git_dir": place, "visibility": "internal"})
    assert world.readers()["ada"]
    before = world.path.read_bytes()
    world.tell({"full_name": "site", "git_dir": place, "visibility": "private"})
    assert not world.readers()["ada"]
    world.path.write_bytes(before)
    with pytest.raises(UnavailableError):
        world.readers()
