"""The restrictions that rules are made of. Each is a frozen value with a ``tag``; its claims are typed already.

A claim that is absent never satisfies a restriction: what a token does not say is not taken for granted.

>>> OneOf("repository_id", ("42",), Refusal.WORKLOAD_REPOSITORY_WRONG).verify({"repository_id": "43"}).text
'`repository_id` is `43`, which the rule does not name'
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from ostiary.identity.reasons import Refusal
from ostiary.identity.workloads.shapes import COMMIT
from ostiary.identity.workloads.verdicts import HOLDS, Claims, Failure, Verdict

_SHOWN: Final = 120


def shown(value: object) -> str:
    """Return a claim's value for a message, bounded; values have passed a ``Shape`` and hide nothing."""
    return f"`{str(value)[:_SHOWN]}`"


@dataclass(frozen=True, slots=True)
class OneOf:
    """The claim has one of these very values."""

    tag: ClassVar[str] = "one_of"
    claim: str
    allowed: tuple[str, ...]
    code: Refusal

    def verify(self, claims: Claims, /) -> Verdict:
        """Compare exactly."""
        value = claims.get(self.claim)
        if value is None:
            return Failure(self.code, f"the token has no `{self.claim}`")
        if value not in self.allowed:
            return Failure(self.code, f"`{self.claim}` is {shown(value)}, which the rule does not name")
        return HOLDS


@dataclass(frozen=True, slots=True)
class Present:
    """The token says something under this claim at all."""

    tag: ClassVar[str] = "present"
    claim: str
    code: Refusal

    def verify(self, claims: Claims, /) -> Verdict:
        """Look whether it is there."""
        return HOLDS if claims.get(self.claim) else Failure(self.code, f"the token is not bound to a `{self.claim}`")


@dataclass(frozen=True, slots=True)
class RefIs:
    """The full ref is one of these, or begins like one that ends in ``*``; a branch is never a tag of that name."""

    tag: ClassVar[str] = "ref"
    claim: str
    allowed: tuple[str, ...]

    def verify(self, claims: Claims, /) -> Verdict:
        """Compare with each."""
        ref = str(claims.get(self.claim, ""))
        if any(_ref_fits(ref, pattern) for pattern in self.allowed):
            return HOLDS
        return Failure(Refusal.WORKLOAD_REF_WRONG, f"the ref is {shown(ref)}, which the rule does not name")


def _ref_fits(ref: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return ref.startswith(pattern[:-1]) and len(ref) >= len(pattern)
    return ref == pattern


@dataclass(frozen=True, slots=True)
class RefProtected:
    """The platform says that the ref is protected: not everybody who may push may push there."""

    tag: ClassVar[str] = "ref_protected"

    def verify(self, claims: Claims, /) -> Verdict:
        """Look at ``ref_protected``."""
        if claims.get("ref_protected") == "true":
            return HOLDS
        return Failure(Refusal.WORKLOAD_REF_UNPROTECTED, "the ref is not protected")


@dataclass(frozen=True, slots=True)
class OwnRef:
    """The ref is a branch or a tag of the repository, not a proposal that anybody can open."""

    tag: ClassVar[str] = "own_ref"
    claim: str

    def verify(self, claims: Claims, /) -> Verdict:
        """Look at how the ref begins."""
        ref = str(claims.get(self.claim, ""))
        if ref.startswith(("refs/heads/", "refs/tags/")):
            return HOLDS
        return Failure(Refusal.WORKLOAD_FORK_REFUSED, f"{shown(ref)} is neither a branch nor a tag of the repository")


@dataclass(frozen=True, slots=True)
class Same:
    """Two claims agree, where the second one is told at all."""

    tag: ClassVar[str] = "same"
    claim: str
    other: str
    code: Refusal

    def verify(self, claims: Claims, /) -> Verdict:
        """Compare them."""
        if self.other not in claims or claims[self.other] == claims.get(self.claim):
            return HOLDS
        return Failure(self.code, f"`{self.other}` and `{self.claim}` are of different projects")


@dataclass(frozen=True, slots=True)
class DefinedBy:
    """The file that defines the job is one of these, at a commit that nobody else can move.

    A file of the repository itself at the job's own ref is as good as the ref. Any other is bound by the name of a ref,
    which can be moved, or by a commit: it must be named with its whole commit id, or the rule must list the commits.

    Attributes:
        claim, commit_claim, ref_claim: under which claims the token tells file, its commit and the job's own ref.
        own_claim: how places of the repository itself begin.
        allowed: ``PLACE@REF`` each; none means any file of the repository itself.
        commits: whole commit ids; none means that ``allowed`` alone decides.
    """

    tag: ClassVar[str] = "defined_by"
    claim: str
    commit_claim: str
    ref_claim: str
    own_claim: str
    allowed: tuple[str, ...]
    commits: tuple[str, ...]

    def verify(self, claims: Claims, /) -> Verdict:
        """Compare file, then commit."""
        place = str(claims.get(self.claim, ""))
        ours = place.startswith(str(claims.get(self.own_claim) or "\n"))
        if place not in self.allowed if self.allowed else not ours:
            text = f"the job is defined by {shown(place)}, which the rule does not name"
            return Failure(Refusal.WORKLOAD_WORKFLOW_WRONG, text)
        if self.commits and claims.get(self.commit_claim) not in self.commits:
            text = f"the job is defined at commit {shown(claims.get(self.commit_claim))}, which the rule does not name"
            return Failure(Refusal.WORKLOAD_WORKFLOW_WRONG, text)
        revision = place.rpartition("@")[2]
        at_own_ref = ours and revision == claims.get(self.ref_claim)
        if not (at_own_ref or self.commits or COMMIT.fits(revision)):
            text = f"{shown(place)} can be moved by others: name it by its whole commit id, or list the commits"
            return Failure(Refusal.WORKLOAD_WORKFLOW_MUTABLE, text)
        return HOLDS


@dataclass(frozen=True, slots=True)
class PathUnder:
    """The path is one of these, or lies under one of them; compared segment by segment, so ``/db`` is not ``/dbx``."""

    tag: ClassVar[str] = "path_under"
    claim: str
    allowed: tuple[str, ...]

    def verify(self, claims: Claims, /) -> Verdict:
        """Compare segments."""
        path = str(claims.get(self.claim, ""))
        if any(path == prefix or path.startswith(f"{prefix}/") for prefix in self.allowed):
            return HOLDS
        return Failure(Refusal.WORKLOAD_PATH_WRONG, f"the path {shown(path)} is not under one that the rule names")
