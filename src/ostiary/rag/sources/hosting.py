"""What a Git host says of its repositories, as its API tells it: the shapes of GitHub and of GitLab in one file.

    {"version": 3, "repos": [
      {"full_name": "acme/site", "git_dir": "/srv/git/site.git", "ref": "main", "visibility": "private",
       "collaborators": [{"login": "ada", "permissions": {"pull": true}}],
       "teams": [{"slug": "web", "permission": "pull"}]},
      {"path_with_namespace": "acme/ops", "git_dir": "/srv/git/ops.git", "commit": "…40 hex…", "visibility": "internal",
       "members": [{"username": "bob", "access_level": 20, "state": "active"}],
       "shared_with_groups": [{"group_full_path": "acme/sre", "group_access_level": 30}]}],
     "teams": [{"slug": "web", "members": ["ada", "eve"]}], "suspended": ["eve"]}

- Members of teams are resolved here, so that a right follows the team and not its name: a team that is renamed takes
  its members along, one that is made anew under an old name has its own.
- ``public`` and ``internal`` mean everybody whom this tenant knows; a visibility that is neither is ``private``.
- Whoever is suspended reads nothing, whatever else is said, and however the login is written: to a host `Eve` and `eve`
  are one. An access that has expired is none.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

from ostiary.rag.rights import EVERYBODY, Rule, allow_deny

MAX_REPOS: Final = 10_000
REPORTER: Final = 20  # GitLab's least level that reads code of a private project
READERS: Final = frozenset({"admin", "maintain", "pull", "push", "read", "triage", "write"})
Login = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_REF: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,200}\Z")


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with an access of their own; other members of the API's answers are not read."""

    login: str = ""
    username: str = ""
    permissions: dict[str, bool] = {}
    permission: str = ""
    role_name: str = ""
    access_level: int = 0
    state: str = "active"
    expires_at: str | None = None

    @property
    def name(self) -> str:
        """What the host calls them."""
        return self.login or self.username

    def reads(self, now_ns: int) -> bool:
        """Return whether this access lets them read code."""
        asked = self.permissions.get("pull", False) or self.permission in READERS or self.role_name in READERS
        standing = self.state == "active" and not _over(self.expires_at, now_ns)
        return bool(self.name) and standing and (asked or self.access_level >= REPORTER)


class TeamAccess(msgspec.Struct, frozen=True, kw_only=True):
    """What a team or group may."""

    slug: str = ""
    group_full_path: str = ""
    permission: str = ""
    group_access_level: int = 0
    expires_at: str | None = None

    def reads(self, now_ns: int) -> bool:
        """Return whether it lets the members read code."""
        return (self.permission in READERS or self.group_access_level >= REPORTER) and not _over(
            self.expires_at, now_ns
        )


class Repo(msgspec.Struct, frozen=True, kw_only=True):
    """One repository."""

    git_dir: str
    full_name: str = ""
    path_with_namespace: str = ""
    commit: str = ""
    ref: str = ""
    visibility: str = "private"
    private: bool = False
    confidentiality: Annotated[int, msgspec.Meta(ge=0, le=4)] = 0
    collaborators: Annotated[tuple[Person, ...], msgspec.Meta(max_length=10_000)] = ()
    members: Annotated[tuple[Person, ...], msgspec.Meta(max_length=10_000)] = ()
    teams: Annotated[tuple[TeamAccess, ...], msgspec.Meta(max_length=1000)] = ()
    shared_with_groups: Annotated[tuple[TeamAccess, ...], msgspec.Meta(max_length=1000)] = ()

    @property
    def name(self) -> str:
        """What the host calls it."""
        return self.full_name or self.path_with_namespace

    @property
    def at(self) -> str:
        """The commit or the ref that is read."""
        return self.commit or self.ref or "HEAD"


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """One team with its members now."""

    slug: str
    members: Annotated[tuple[Login, ...], msgspec.Meta(max_length=20_000)] = ()


class Hosting(msgspec.Struct, frozen=True, kw_only=True):
    """What a host says."""

    version: int
    repos: Annotated[tuple[Repo, ...], msgspec.Meta(max_length=MAX_REPOS)]
    teams: Annotated[tuple[Team, ...], msgspec.Meta(max_length=MAX_REPOS)] = ()
    suspended: Annotated[tuple[Login, ...], msgspec.Meta(max_length=20_000)] = ()


def read_hosting(raw: bytes) -> Hosting:
    """Return what a file says.

    Raises:
        ValueError: it is malformed, names something twice, or a commit is none.
    """
    told = msgspec.json.decode(raw, type=Hosting)
    names, slugs = [one.name for one in told.repos], [one.slug for one in told.teams]
    if "" in names or len(set(names)) != len(names) or "" in slugs or len(set(slugs)) != len(slugs):
        raise ValueError("twice")
    if any(":" in name for name in names):  # a document is `REPOSITORY:PATH`, and must be of one repository
        raise ValueError("colon")
    for repo in told.repos:
        if (repo.commit and not _COMMIT.match(repo.commit)) or (repo.ref and not _REF.match(repo.ref)):
            raise ValueError("commit")
    return told


def rule_of(told: Hosting, repo: Repo, subject: Callable[[str], str], now_ns: int) -> Rule:
    """Return who may read a repository's code; ``subject`` tells whom a login means."""
    members: Mapping[str, Team] = {one.slug: one for one in told.teams}
    logins = {one.name for one in (*repo.collaborators, *repo.members) if one.reads(now_ns)}
    for one in (*repo.teams, *repo.shared_with_groups):
        team = members.get(one.slug or one.group_full_path)
        if team is not None and one.reads(now_ns):
            logins.update(team.members)
    open_ = repo.visibility in {"internal", "public"} and not repo.private
    allowed = {EVERYBODY} if open_ else {subject(login) for login in logins}
    return allow_deny(allowed, {subject(login) for login in _written(told, logins)})


def _written(told: Hosting, logins: Iterable[str]) -> set[str]:
    """Return the suspended logins in each way that they may be written."""
    folded = {login.casefold() for login in told.suspended}
    return {*told.suspended, *folded, *(login for login in logins if login.casefold() in folded)}


def _over(expires_at: str | None, now_ns: int) -> bool:
    if expires_at is None:
        return False
    try:
        moment = datetime.fromisoformat(expires_at)
    except ValueError:
        return True
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.timestamp() * 1e9 <= now_ns
