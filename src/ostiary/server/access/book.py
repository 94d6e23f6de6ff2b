"""What was asked, answered, granted and taken back, kept signed.

1. A request and a grant are written once. Their ends are values of their own, which nothing overwrites.
2. A grant's name begins with a digest of its subject, so that those of one subject are found without reading all.
3. What is over goes after a day; the log remembers. An answer that shuts a grant stays as long as the grant.
"""

import threading
from typing import Final

from ostiary.approvals.access import AccessRequest, Answered, Grant, Revoked
from ostiary.approvals.glass import SECOND_NS
from ostiary.errors import RefusedError
from ostiary.keys import KeyRing, sha256_hex
from ostiary.server.signed_shelf import ShelfStore, SignedShelf

PURPOSE: Final = "access-requests"
KEPT_NS: Final = 86_400 * SECOND_NS
_DIGEST: Final = 32


class AccessBook:
    """Requests and grants by tenant; safe for several threads and processes."""

    def __init__(self, store: ShelfStore, ring: KeyRing) -> None:
        """Keep them in ``store``, signed with the tenant's key."""
        self._requests = SignedShelf(store, ring, "access_request", AccessRequest, PURPOSE)
        self._answers = SignedShelf(store, ring, "access_answer", Answered, PURPOSE)
        self._grants = SignedShelf(store, ring, "access_grant", Grant, PURPOSE)
        self._revoked = SignedShelf(store, ring, "access_revoked", Revoked, PURPOSE)
        self.lock = threading.RLock()

    # Requests.

    def keep(self, request: AccessRequest) -> None:
        """Keep a fresh request."""
        self._requests.save(request.tenant, request.id, request, request.made_ns)

    def request(self, tenant: str, name: str) -> AccessRequest:
        """Return one.

        Raises:
            RefusedError: ``access_request_unknown``.
        """
        found = self._requests.load(tenant, name)
        if found is None:
            raise RefusedError("access_request_unknown", "there is no such request")
        return found

    def requests(self, tenant: str) -> list[AccessRequest]:
        """Return all, oldest first."""
        return self._requests.all(tenant)

    def answer(self, tenant: str, name: str) -> Answered | None:
        """Return how a request ended, or ``None`` while it waits."""
        return self._answers.load(tenant, name)

    def end(self, tenant: str, name: str, answered: Answered) -> bool:
        """End a request for good, unless it has ended; return whether this is its end.

        Whoever saw that it waits holds ``lock``, but another process has a lock of its own.
        """
        return self._answers.add(tenant, name, answered, answered.at_ns)

    # Grants.

    def grant(self, grant: Grant) -> None:
        """Keep a fresh grant."""
        self._grants.save(grant.tenant, _name(grant.subject, grant.id), grant, grant.from_ns)

    def grants(self, tenant: str) -> list[Grant]:
        """Return all that are kept, those that hold no more among them."""
        return self._grants.all(tenant)

    def names(self, tenant: str) -> dict[str, tuple[str, ...]]:
        """Return the names of grants by the digest of their subject, without verifying any."""
        found: dict[str, list[str]] = {}
        for name in self._grants.names(tenant):
            found.setdefault(name[:_DIGEST], []).append(name)
        return {subject: tuple(names) for subject, names in found.items()}

    def named(self, tenant: str, name: str) -> Grant | None:
        """Return the grant of a name, verified, unless it was taken back, or its request ended with another answer."""
        found = self._grants.load(tenant, name)
        if found is None or self.revoked(tenant, found.id) is not None:
            return None
        answered = self.answer(tenant, found.request)
        return found if answered is None or answered.status == "approved" else None

    def revoked(self, tenant: str, grant_id: str) -> Revoked | None:
        """Return how a grant was taken back, or ``None``."""
        return self._revoked.load(tenant, grant_id)

    def revoke(self, tenant: str, grant_id: str, revoked: Revoked) -> None:
        """Take a grant back, for good."""
        self._revoked.save(tenant, grant_id, revoked, revoked.at_ns)

    # What is over, and whom it was about.

    def tidy(self, tenant: str, now_ns: int) -> None:
        """Forget what has been over for a day."""
        for grant in self.grants(tenant):
            if now_ns >= grant.until_ns + KEPT_NS:
                self._drop(tenant, grant)
        granted = {grant.request for grant in self.grants(tenant)}
        for request in self.requests(tenant):
            answered = self.answer(tenant, request.id)
            if answered is None or (answered.status != "approved" and request.id in granted):
                continue  # a grant that another answer shut would be open again without it
            if now_ns >= answered.at_ns + KEPT_NS:
                self._requests.delete(tenant, request.id)
                self._answers.delete(tenant, request.id)

    def forget_subject(self, tenant: str, subject: str) -> None:
        """Erase all that names a subject."""
        with self.lock:
            for grant in self.grants(tenant):
                if grant.subject == subject:
                    self._drop(tenant, grant)
            for request in self.requests(tenant):
                if request.asked.subject == subject:
                    self._requests.delete(tenant, request.id)
                    self._answers.delete(tenant, request.id)

    def _drop(self, tenant: str, grant: Grant) -> None:
        self._grants.delete(tenant, _name(grant.subject, grant.id))
        self._revoked.delete(tenant, grant.id)


def subject_digest(subject: str) -> str:
    """Return by what the grants of a subject are found."""
    return sha256_hex(subject.encode())[:_DIGEST]


def _name(subject: str, grant_id: str) -> str:
    return f"{subject_digest(subject)}.{grant_id}"
