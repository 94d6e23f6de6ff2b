"""Candidates as administrators start and stop them, and what becomes of their files.

1. A candidate lies in ``shadow/TENANT/model`` or ``shadow/TENANT/bundle`` and is verified exactly as a live one: a
   trusted key's signature and the feature set, or lint and its own tests. What fails is not started.
2. Starting is a deed in the log that names the digest. Only that digest runs: files that changed later are refused, and
   so is what merely lies there.
3. A candidate belongs to one tenant, in every place: files, keys, marks, counts.
"""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Literal, Protocol

import msgspec

from ostiary.artifacts import verify_artifact
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, VerificationError
from ostiary.keys import VerifyingKey
from ostiary.policy.bundle import Bundle
from ostiary.policy.bundle_files import SIGNATURES
from ostiary.server.places import Places
from ostiary.vocabulary.clock import Clock

MARK: Final = "shadow_candidate"
STATE: Final = "shadow_state"
_MODEL_KIND: Final = "access-risk-model"
_DAY_NS: Final = 86_400 * 10**9
What = Literal["model", "bundle"]
WHATS: Final[tuple[What, ...]] = ("model", "bundle")
Keys = Callable[[str], list[VerifyingKey]]


class Shelf(Protocol):
    """Keeps opaque bytes by tenant, kind and name."""

    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:
        """Store one."""
        ...

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        """Return one, or ``None``."""
        ...

    def delete(self, tenant: str, kind: str, name: str) -> bool:
        """Erase one; return whether it was there."""
        ...


class Started(msgspec.Struct, frozen=True):
    """One candidate that runs.

    Attributes:
        what: ``model`` or ``bundle``.
        digest: the only one that runs.
        since_ns: when it was started.
        by: who did.
        record: the deed in the log.
    """

    what: str
    digest: str
    since_ns: int
    by: str = ""
    record: str = ""

    def days(self, now_ns: int) -> float:
        """Return for how long it has run."""
        return max(0, now_ns - self.since_ns) / _DAY_NS


class State(msgspec.Struct, frozen=True):
    """How a candidate is: ``starting``, ``running``, ``down`` or ``refused``, and the code of why."""

    state: str
    fault: str = ""
    at_ns: int = 0


class Candidates:
    """The candidates of a data directory, by tenant."""

    def __init__(
        self, places: Places, shelf: Shelf, keys: Keys, admit: Callable[[Bundle], object], clock: Clock
    ) -> None:
        """Take where they lie, where their marks are kept, whose models are believed and what a bundle must pass."""
        self._places = places
        self._shelf = shelf
        self.keys = keys
        self._admit = admit
        self._clock = clock

    def place(self, tenant: str, what: str) -> Path:
        """Return the folder of a candidate."""
        return self._places.shadow(tenant) / check_what(what)

    def start(
        self, tenant: str, what: str, by: str, record: Callable[[str], str], source: Path | None = None
    ) -> Started:
        """Verify a candidate and let it run; with a ``source`` it is brought into its place first.

        Args:
            tenant: whose it is.
            what: ``model`` or ``bundle``.
            by: who starts it.
            record: writes the deed with the digest down and returns its id; nothing runs before it returns.
            source: where it comes from, when it does not lie in its place.

        Raises:
            RefusedError: ``policy_refused``, ``policy_check_…``.
            VerificationError: the model is not what a trusted key signed.
            FaultyInputError: ``candidate_unknown``, ``candidate_absent``, or it is malformed.
        """
        place = self.place(tenant, what)
        if source is not None:
            digest = self._brought(tenant, what, source, place)
        elif place.is_dir():
            digest = self._verified(tenant, what, place)
        else:
            raise FaultyInputError("candidate_absent", f"there is no candidate {what} in `{place}`")
        started = Started(what, digest, self._clock.now_ns(), by, record(digest))
        self._shelf.save(tenant, MARK, what, msgspec.json.encode(started), started.since_ns)
        self.note(tenant, what, "starting")
        return started

    def stop(self, tenant: str, what: str, record: Callable[[str], str]) -> Started:
        """Let a candidate run no more; its files and its counts stay.

        Raises:
            RefusedError: ``candidate_not_running``.
        """
        found = self.find(tenant, what)
        if found is None:
            raise RefusedError("candidate_not_running", f"no candidate {check_what(what)} is running")
        record(found.digest)
        self._shelf.delete(tenant, MARK, what)
        self._shelf.delete(tenant, STATE, what)
        return found

    def find(self, tenant: str, what: str) -> Started | None:
        """Return a candidate that was started, or ``None``."""
        data = self._shelf.load(tenant, MARK, check_what(what))
        return msgspec.json.decode(data, type=Started) if data else None

    def all(self, tenant: str) -> list[Started]:
        """Return a tenant's candidates."""
        return [found for what in WHATS if (found := self.find(tenant, what)) is not None]

    def on_disk(self, tenant: str, what: str) -> str:
        """Return the digest of what lies in a candidate's place, or the code of what is wrong with it."""
        place = self.place(tenant, what)
        try:
            return self._digest(tenant, what, place)
        except (OstiaryError, ImportError) as fault:
            return getattr(fault, "code", "risk_extra_missing")

    def bundle(self, tenant: str, started: Started) -> Bundle:
        """Return a candidate bundle, the very one that was started.

        Raises:
            VerificationError: ``candidate_changed``.
            FaultyInputError, UnavailableError: it cannot be read.
        """
        bundle = Bundle.load(self.place(tenant, "bundle"))
        if bundle.digest != started.digest:
            raise VerificationError("candidate_changed", "the bundle is not the one that was started")
        return bundle

    def state(self, tenant: str, what: str) -> State:
        """Return how a candidate is."""
        data = self._shelf.load(tenant, STATE, check_what(what))
        return msgspec.json.decode(data, type=State) if data else State("stopped")

    def note(self, tenant: str, what: str, state: str, fault: str = "") -> None:
        """Write down how a candidate is, for whoever asks from another process."""
        now = self._clock.now_ns()
        self._shelf.save(tenant, STATE, what, msgspec.json.encode(State(state, fault, now)), now)

    def _verified(self, tenant: str, what: str, place: Path) -> str:
        if what == "bundle":
            bundle = Bundle.load(place)
            self._admit(bundle)
            return bundle.digest
        from ostiary.risk.model import load_scorer  # noqa: PLC0415 - an extra
        from ostiary.signals import features  # noqa: PLC0415 - half a second that bundles do not need

        loaded = load_scorer(
            place,
            self.keys(tenant),
            feature_set=features.SET_DIGEST,
            names=features.NAMES,
            words=lambda name, _value, _event: name,
        )
        return loaded.digest

    def _digest(self, tenant: str, what: str, place: Path) -> str:
        if what == "bundle":
            return Bundle.load(place).digest
        return verify_artifact(place, self.keys(tenant), kind=_MODEL_KIND).digest

    def _brought(self, tenant: str, what: str, source: Path, place: Path) -> str:
        """Put the files of ``source`` in ``place`` if they verify, all or none; links are not followed."""
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = place.with_name(f".{place.name}.{os.getpid()}")
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            if what == "bundle":
                _write_bundle(Bundle.load(source), fresh)
            else:
                shutil.copytree(source, fresh, symlinks=True)
            digest = self._verified(tenant, what, fresh)
            shutil.rmtree(place, ignore_errors=True)
            fresh.rename(place)
        except OSError as fault:
            text = f"the candidate cannot be brought in: {fault.strerror or 'its files cannot be read'}"
            raise FaultyInputError("candidate_unreadable", text) from fault
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return digest


def check_what(what: str) -> str:
    """Return ``what`` if it is a kind of candidate.

    Raises:
        FaultyInputError: ``candidate_unknown``.
    """
    if what not in WHATS:
        raise FaultyInputError("candidate_unknown", f"a candidate is a `model` or a `bundle`, not a `{what[:40]}`")
    return what


def print_of(place: Path) -> tuple[tuple[str, int, int], ...]:
    """Return what shows without reading that files changed: names, sizes and times."""
    return tuple(sorted(_stamps(place)))


def _stamps(place: Path) -> Iterable[tuple[str, int, int]]:
    for path in place.rglob("*"):
        found = path.lstat()
        yield str(path.relative_to(place)), found.st_size, found.st_mtime_ns


def _write_bundle(bundle: Bundle, place: Path) -> None:
    files = dict(bundle.files)
    if bundle.signatures is not None:
        files[SIGNATURES] = bundle.signatures
    for name, data in files.items():
        path = place / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(data)
