"""Repositories of a Git host: documents are files at a commit, rights are the repository's (``sources.hosting``).

A document's id is ``REPOSITORY:PATH`` and its revision the id of its blob, so that the check before an answer asks two
things that are true now: that the host lets the asker read, and that the commit still has this very text.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ostiary.errors import UnavailableError
from ostiary.rag.ports import Asker, Document, Known, Scan
from ostiary.rag.rights import Rule, digest, permits
from ostiary.rag.sources.filesystem import ENDS
from ostiary.rag.sources.hosting import Hosting, Repo, read_hosting, rule_of
from ostiary.rag.sources.objects import Objects
from ostiary.rag.sources.watched import Watched
from ostiary.vocabulary.clock import Clock

CODE: Final = (*ENDS, ".c", ".go", ".java", ".js", ".py", ".rego", ".rs", ".sh", ".sql", ".toml", ".ts")


class GitSource:
    """The repositories of one host, as a file of its permissions tells them."""

    kind = "git"

    def __init__(
        self, name: str, path: Path, clock: Clock, *, subjects: Mapping[str, str] | None = None, roots: tuple[Path, ...]
    ) -> None:
        """Take the file, whom logins mean (``user:LOGIN`` unless told otherwise), and where repositories may lie."""
        self.name = name
        self._hosting: Watched[Hosting] = Watched(path, read_hosting, lambda told: told.version)
        self._clock = clock
        self._subjects = dict(subjects or {})
        self._roots = tuple(one.resolve() for one in roots)
        self._trees: dict[tuple[str, str], dict[str, str]] = {}
        self._lock = threading.Lock()

    def principals(self, asker: Asker) -> frozenset[str]:
        """Return the asker's own names."""
        return asker.principals()

    def readable(self, asker: Asker) -> None:
        """Leave it to the rules."""

    def scan(self, known: Mapping[str, Known]) -> Scan:
        """Compare repositories and permissions with what is known.

        Raises:
            UnavailableError: ``source_unavailable``.
        """
        _, told = self._hosting.now()
        now_ns = self._clock.now_ns()
        seen: dict[str, tuple[str, Rule, Repo]] = {}
        for repo in told.repos:
            rule = rule_of(told, repo, self._subject, now_ns)
            for path, blob in self._tree(repo).items():
                seen[f"{repo.name}:{path}"] = (blob, rule, repo)
        new = {name: one for name, one in seen.items() if name not in known or known[name].revision != one[0]}
        digests = {id(rule): digest(rule) for _, rule, _ in seen.values()}
        rights = {
            name: rule for name, (_, rule, _) in seen.items() if name in new or known[name].rule != digests[id(rule)]
        }
        return Scan(tuple(name for name in known if name not in seen), rights, self._documents(new))

    def check(self, asker: Asker, documents: Mapping[str, str]) -> frozenset[str]:
        """Return which files the host lets the asker read now, with the very text that is given."""
        _, told = self._hosting.now()
        now_ns, principals = self._clock.now_ns(), asker.principals()
        asked: dict[str, list[str]] = defaultdict(list)
        for name in documents:
            asked[name.partition(":")[0]].append(name)
        found: set[str] = set()
        for repo in told.repos:
            names = asked.get(repo.name)
            if names and permits(rule_of(told, repo, self._subject, now_ns), principals):
                tree = self._tree(repo)
                found.update(name for name in names if tree.get(name.partition(":")[2]) == documents[name])
        return frozenset(found)

    def _subject(self, login: str) -> str:
        return self._subjects.get(login, f"user:{login}")

    def _tree(self, repo: Repo) -> dict[str, str]:
        objects = Objects(self._place(repo))
        commit = repo.commit or objects.commit(repo.at)
        key = (repo.git_dir, commit)
        with self._lock:
            if key not in self._trees:
                files = objects.files(commit)
                mine = {one.path: one.id for one in files if one.path.lower().endswith(CODE)}
                self._trees = {other: tree for other, tree in self._trees.items() if other[0] != repo.git_dir}
                self._trees[key] = mine
            return self._trees[key]

    def _place(self, repo: Repo) -> Path:
        place = Path(repo.git_dir).resolve()
        if not any(place == root or root in place.parents for root in self._roots):
            raise UnavailableError("source_unavailable", "a repository lies outside of the folders for repositories")
        return place

    def _documents(self, wanted: Mapping[str, tuple[str, Rule, Repo]]) -> Iterator[Document]:
        for name, (blob, _, repo) in wanted.items():
            text = Objects(self._place(repo)).text(blob)
            yield Document(name, blob, text or "", name, repo.confidentiality)
