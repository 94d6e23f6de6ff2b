"""Who may sign in at the console, and as what: kept signed, changed only with a record.

1. A role says which pages a person reaches; what it means is said by policy (``policies/console``).
2. A role opens pages, and no more: approving takes the passkey of one of the tenant's people (``approvals``).
3. Who is taken off stays on the shelf without a role, so that the log's story can be told.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.webauthn.types import clean_subject
from ostiary.keys import KeyRing
from ostiary.server.deeds import record_about
from ostiary.server.signed_shelf import ShelfStore, SignedShelf
from ostiary.server.wiring import House

ROLES: Final = ("owner", "analyst", "approver", "auditor", "developer")
PURPOSE: Final = "console"
_KIND: Final = "console_person"
_TYPE: Final = "user"


class ConsolePerson(msgspec.Struct, frozen=True):
    """One person of the console.

    Attributes:
        subject: ``user:ann``.
        roles: what the person is here; none for one who was taken off.
        deployment: whether the person also looks after the deployment, not its tenant alone.
        by: who entered the person.
    """

    subject: str
    roles: tuple[str, ...]
    deployment: bool
    since_ns: int
    by: str

    @property
    def name(self) -> str:
        """The id without its type."""
        return self.subject.partition(":")[2]


class People:
    """The people of all tenants."""

    def __init__(self, store: ShelfStore, ring: KeyRing) -> None:
        """Keep them in ``store``."""
        self._shelf = SignedShelf(store, ring, _KIND, ConsolePerson, PURPOSE)

    def find(self, tenant: str, subject: str) -> ConsolePerson | None:
        """Return one who has a role.

        Raises:
            VerificationError: ``shelf_tampered``.
        """
        found = self._shelf.load(tenant, subject)
        return found if found and found.roles else None

    def all(self, tenant: str) -> Sequence[ConsolePerson]:
        """Return all who have a role, by name."""
        return [one for one in self._shelf.all(tenant) if one.roles]

    def save(self, tenant: str, person: ConsolePerson) -> None:
        """Keep one; call ``enter`` or ``take_off``, which record it first."""
        self._shelf.save(tenant, person.subject, person, person.since_ns)


def people_of(house: House) -> People:
    """Return the people of a house."""
    return People(house.store.snapshots, house.ring)


def enter(
    house: House, tenant: str, subject: str, roles: Sequence[str], by: str, *, deployment: bool = False
) -> ConsolePerson:
    """Give a person roles; those it had are replaced.

    Raises:
        FaultyInputError: ``subject_invalid``, ``console_role_unknown``.
        RefusedError: ``console_last_owner``.
        UnavailableError: it cannot be recorded; nothing changes.
    """
    people, named = people_of(house), _checked(roles)
    if not clean_subject(subject).startswith(f"{_TYPE}:"):
        raise FaultyInputError("subject_invalid", f"people of the console are of the type `{_TYPE}`, such as user:ann")
    person = ConsolePerson(subject, named, deployment, house.clock.now_ns(), by)
    _keep_an_owner(people, tenant, person)
    told = {"subject": subject, "roles": list(named), "deployment": deployment}
    record_about(subject, house, by, tenant, "console.person", told)
    people.save(tenant, person)
    return person


def take_off(house: House, tenant: str, subject: str, by: str) -> None:
    """Take all roles from a person; the next click finds none.

    Raises:
        RefusedError: ``console_person_unknown``, ``console_last_owner``.
        UnavailableError: it cannot be recorded; nothing changes.
    """
    people = people_of(house)
    if people.find(tenant, subject) is None:
        raise RefusedError("console_person_unknown", "there is no such person of the console")
    gone = ConsolePerson(subject, (), deployment=False, since_ns=house.clock.now_ns(), by=by)
    _keep_an_owner(people, tenant, gone)
    record_about(subject, house, by, tenant, "console.person", {"subject": subject, "roles": []})
    people.save(tenant, gone)


def _checked(roles: Sequence[str]) -> tuple[str, ...]:
    unknown = sorted(set(roles) - set(ROLES))
    if unknown or not roles:
        text = f"`{unknown[0][:40]}` is no role" if unknown else "a role is needed"
        raise FaultyInputError("console_role_unknown", f"{text}: there are {', '.join(ROLES)}")
    return tuple(role for role in ROLES if role in roles)


def _keep_an_owner(people: People, tenant: str, coming: ConsolePerson) -> None:
    """Refuse to leave a tenant that has an owner without one: nobody could let anybody in any more."""
    owners = {one.subject for one in people.all(tenant) if "owner" in one.roles}
    if owners == {coming.subject} and "owner" not in coming.roles:
        raise RefusedError("console_last_owner", "this is the tenant's last owner: enter another one first")
