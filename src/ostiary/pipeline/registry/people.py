"""Who may approve, validate and build: one small file a tenant, kept by whoever runs Ostiary.

    approvers:
      - person: user:alice
        also: ["github-actor:583231"]     # other names of hers: she may not approve what she made under any of them
        keys: ["-----BEGIN PUBLIC KEY-----…"]
    validators:
      - {person: "service:validation", keys: […]}
    builders:
      - {person: "https://ostiary.example/builder/sandbox", keys: […]}
    signers:
      - {name: training, keys: […]}       # of the files themselves

- A key belongs to one person: the same one under two names refuses the whole file, for then nobody could count people.
- Taking a key out of the file takes its word back: approvals and reports are checked again at every load.
- No file: nobody may do anything (fail closed).

>>> read_people("people.yaml", b"approvers: []").approvers
()
"""

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

import msgspec

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.keys import VerifyingKey, sha256_hex
from ostiary.policy.plain_yaml import parse_yaml

MAX_BYTES: Final = 1 << 20
_CODE: Final = "people_malformed"


class PersonEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One person, validator or builder as the file has it."""

    person: str
    keys: list[str]
    also: list[str] = []


class SignerEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may sign files of models: keys, or the holder of a certificate under pinned authorities (ADR-0026).

    Attributes:
        name: what reports call the signer.
        keys: public keys on P-256, P-384 or P-521, in PEM.
        roots: authorities of a certificate, in PEM.
        identity_kind: which part of the certificate names the holder.
        identity: the value that it must have.
        issuer: the OpenID Connect issuer, for an identity of Sigstore.
        trusted_root: Sigstore's trust root as JSON text; with it ``identity`` is an identity of Sigstore.
    """

    name: str
    keys: list[str] = []
    roots: list[str] = []
    identity_kind: Literal["uri", "email", "dns", "subject", "key"] = "uri"
    identity: str = ""
    issuer: str = ""
    trusted_root: str = ""


class PeopleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    approvers: list[PersonEntry] = []
    validators: list[PersonEntry] = []
    builders: list[PersonEntry] = []
    signers: list[SignerEntry] = []


class Person(msgspec.Struct, frozen=True):
    """Somebody with keys."""

    name: str
    also: frozenset[str]
    keys: tuple[VerifyingKey, ...]

    @property
    def names(self) -> frozenset[str]:
        """Every name of theirs."""
        return self.also | {self.name}

    @property
    def fingerprints(self) -> frozenset[str]:
        """The fingerprints of their keys."""
        return frozenset(fingerprint(key) for key in self.keys)


class People(msgspec.Struct, frozen=True):
    """Everybody of one tenant, by what they may do."""

    approvers: tuple[Person, ...] = ()
    validators: tuple[Person, ...] = ()
    builders: tuple[Person, ...] = ()
    signers: tuple[SignerEntry, ...] = ()

    def known_as(self, names: frozenset[str]) -> frozenset[str]:
        """Return ``names`` with every other name of the people who bear one of them."""
        found = (one.names for one in (*self.approvers, *self.validators) if not one.names.isdisjoint(names))
        return names.union(*found)

    def behind(self, names: frozenset[str], keys: frozenset[str]) -> frozenset[str]:
        """Return every name of whoever bears one of ``names``, or has one of ``keys``, in whichever list it stands."""
        holders = (one.names for one in (*self.approvers, *self.validators) if not one.fingerprints.isdisjoint(keys))
        return self.known_as(names.union(*holders))


def read_people(name: str, data: bytes) -> People:
    """Read the file.

    Raises:
        FaultyInputError: ``people_malformed``.
    """
    if len(data) > MAX_BYTES:
        raise FaultyInputError(_CODE, f"{name}: the file has more than {MAX_BYTES} bytes")
    try:
        parsed = msgspec.convert(parse_yaml(data.decode()) or {}, PeopleFile)
    except (msgspec.ValidationError, UnicodeError) as fault:
        raise FaultyInputError(_CODE, f"{name}: {fault}") from fault
    people = People(
        approvers=_all(name, parsed.approvers),
        validators=_all(name, parsed.validators),
        builders=_all(name, parsed.builders),
        signers=tuple(parsed.signers),
    )
    _refuse_shared(name, people.approvers)
    _refuse_shared(name, (*people.approvers, *people.validators))
    return people


def _all(file: str, entries: Iterable[PersonEntry]) -> tuple[Person, ...]:
    found = [_person(file, entry) for entry in entries]
    if len({one.name for one in found}) != len(found):
        raise FaultyInputError(_CODE, f"{file}: somebody stands there twice")
    return tuple(found)


def _person(file: str, entry: PersonEntry) -> Person:
    try:
        keys = tuple(VerifyingKey.from_pem(entry.person, pem.encode()) for pem in entry.keys)
    except FaultyInputError as fault:
        raise FaultyInputError(_CODE, f"{file}: `{entry.person[:80]}`: {fault.message}") from fault
    if not entry.person or not keys:
        raise FaultyInputError(_CODE, f"{file}: everybody needs a name and a key")
    return Person(entry.person, frozenset(entry.also), keys)


def _refuse_shared(file: str, people: Iterable[Person]) -> None:
    """Refuse one key, or one name, that two people have: then they are not two."""
    keys: dict[VerifyingKey, str] = {}
    names: dict[str, str] = {}
    for one in people:
        for key in one.keys:
            if keys.setdefault(key, one.name) != one.name:
                raise FaultyInputError(_CODE, f"{file}: `{one.name[:80]}` has the key of `{keys[key][:80]}`")
        for name in one.names:
            if names.setdefault(name, one.name) != one.name:
                raise FaultyInputError(_CODE, f"{file}: `{name[:80]}` is a name of two people")


def fingerprint(key: VerifyingKey) -> str:
    """Return ``sha256:…`` of a key's SubjectPublicKeyInfo: the name of a key wherever people or models are compared."""
    body = b"".join(key.pem().splitlines()[1:-1])
    return "sha256:" + sha256_hex(base64.b64decode(body))


class PeopleFolder:
    """Every tenant's file in one folder, ``TENANT.yaml``; read again when it changed."""

    def __init__(self, folder: Path) -> None:
        """Use a folder, which may be absent."""
        self._folder = folder
        self._known: dict[str, tuple[tuple[int, int, int], People]] = {}

    def of(self, tenant: str) -> People:
        """Return a tenant's people; nobody when there is no file.

        Raises:
            UnavailableError: ``people_unreadable``: nobody can be told from the file now, so nothing may pass.
        """
        path = self._folder / f"{tenant}.yaml"
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
            known = self._known.get(tenant)
            if known is None or known[0] != stamp:
                with path.open("rb") as file:
                    known = (stamp, read_people(path.name, file.read(MAX_BYTES + 1)))
                self._known[tenant] = known
        except FileNotFoundError:
            return People()
        except (OSError, FaultyInputError) as fault:
            raise UnavailableError("people_unreadable", f"who may approve cannot be read: {fault}") from fault
        return known[1]
