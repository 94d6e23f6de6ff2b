"""Where receivers set up their streams, and administrators look after them (SSF 1.0 §8.1).

Rules:

- a stream belongs to one enforcement point of one tenant; to everybody else it is as unknown as one that never was;
- every change is in the log before it counts;
- a verification may be asked for once in ``min_verification_s``; asking counts whether or not anything arrives.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.secevent import SubjectId, read_subject_id
from ostiary.response.ssf.addresses import AddressRules, check_url
from ostiary.response.ssf.limits import (
    MAX_STATE,
    MAX_STREAMS_PER_OWNER,
    MAX_STREAMS_PER_TENANT,
    MAX_SUBJECTS,
    MAX_TEXT,
    StreamRules,
)
from ostiary.response.ssf.matching import canonical, names
from ostiary.response.ssf.ports import MakeId, Secrets, StreamStore
from ostiary.response.ssf.streams import (
    DISABLED,
    NONE,
    POLL,
    PUSH,
    STATUSES,
    Delivery,
    Stream,
    Wanted,
    read_wanted,
)
from ostiary.response.ssf.transmitter import Transmitter
from ostiary.signals.texts import neutral
from ostiary.vocabulary.clock import Clock

UNKNOWN: Final = "stream_unknown"
TOO_MANY: Final = "streams_too_many"
TOO_SOON: Final = "verification_too_soon"
_INVALID: Final = "stream_invalid"
_SECOND_NS: Final = 1_000_000_000
_TRIES: Final = 5
_HEARD_NS: Final = 60 * _SECOND_NS


class Deed(Protocol):
    """Writes down who changes what, before it counts."""

    def __call__(self, tenant: str, by: str, action: str, **told: Any) -> object:
        """Record one deed.

        Raises:
            UnavailableError: it cannot be written; it must not be done.
        """
        ...


class Caller(msgspec.Struct, frozen=True):
    """Who asks: an enforcement point for its own streams, or with an empty ``owner`` an administrator for all."""

    tenant: str
    by: str
    owner: str = ""


class StreamDesk:
    """Sets up and keeps streams. Safe for several threads and processes."""

    def __init__(
        self,
        store: StreamStore,
        clock: Clock,
        secrets: Secrets,
        transmitter: Transmitter,
        make_id: MakeId,
        record: Deed,
        *,
        rules: StreamRules,
        addresses: AddressRules,
    ) -> None:
        """Take what it works with."""
        self._store = store
        self._clock = clock
        self._secrets = secrets
        self._transmitter = transmitter
        self._make_id = make_id
        self._record = record
        self._rules = rules
        self._addresses = addresses

    def create(self, caller: Caller, body: Mapping[str, Any], owner: str = "", audience: str = "") -> Stream:
        """Set up a stream.

        Args:
            caller: who asks.
            body: what the receiver supplies.
            owner: for an administrator, whose stream it shall be.
            audience: for an administrator, the ``aud`` of its tokens; the owner's id otherwise.

        Raises:
            FaultyInputError: ``stream_invalid``, ``address_refused``.
            RefusedError: ``streams_too_many``.
        """
        wanted, whose, stream_id = read_wanted(body), caller.owner or owner, self._make_id("str")
        stream = Stream(
            tenant=caller.tenant,
            stream_id=stream_id,
            owner=whose,
            audience=(audience or whose,),
            delivery=self._delivery(caller.tenant, stream_id, wanted),
            made_ns=self._clock.now_ns(),
            requested=wanted.requested or (),
            description=wanted.description or "",
            default_subjects=self._rules.default_subjects,
        )
        self._note(caller, "stream.create", stream)
        if not self._store.add_stream(stream, of_owner=MAX_STREAMS_PER_OWNER, of_tenant=MAX_STREAMS_PER_TENANT):
            raise RefusedError(TOO_MANY, f"{MAX_STREAMS_PER_OWNER} streams are all that one receiver may have")
        self._store.hear(stream.tenant, stream_id, stream.made_ns)
        return stream

    def find(self, caller: Caller, stream_id: str) -> Stream:
        """Return one stream.

        Raises:
            RefusedError: ``stream_unknown``, the same for another's stream as for none.
        """
        stream = self._store.find_stream(caller.tenant, stream_id)
        if stream is None or (caller.owner and stream.owner != caller.owner):
            raise RefusedError(UNKNOWN, "there is no such stream")
        return stream

    def listed(self, caller: Caller) -> list[Stream]:
        """Return the caller's streams, oldest first."""
        return [s for s in self._store.streams(caller.tenant) if not caller.owner or s.owner == caller.owner]

    def change(self, caller: Caller, stream_id: str, body: Mapping[str, Any], *, whole: bool) -> Stream:
        """Change what the receiver supplies: with ``whole`` all of it (PUT), otherwise what is named (PATCH).

        Raises:
            FaultyInputError: ``stream_invalid``, ``address_refused``.
            RefusedError: ``stream_unknown``, ``stream_changed``.
        """
        wanted = read_wanted(body)

        def changed(stream: Stream) -> Stream:
            fresh = whole or wanted.method is not None
            return msgspec.structs.replace(
                stream,
                delivery=self._delivery(stream.tenant, stream_id, wanted) if fresh else stream.delivery,
                requested=wanted.requested or (() if whole else stream.requested),
                description=wanted.description or ("" if whole or wanted.description == "" else stream.description),
            )

        return self._change(caller, stream_id, "stream.replace" if whole else "stream.update", changed)

    def delete(self, caller: Caller, stream_id: str) -> None:
        """Forget a stream and all that waits for it.

        Raises:
            RefusedError: ``stream_unknown``.
        """
        stream = self.find(caller, stream_id)
        self._note(caller, "stream.delete", stream)
        self._store.delete_stream(stream.tenant, stream_id)

    def set_status(self, caller: Caller, stream_id: str, status: object, reason: object = "") -> Stream:
        """Enable, pause or disable a stream; what an administrator does, the receiver is told (SSF 1.0 §8.1.5).

        Raises:
            FaultyInputError: ``stream_invalid``.
            RefusedError: ``stream_unknown``, ``stream_changed``.
        """
        if status not in STATUSES or not isinstance(reason, str) or len(reason) > MAX_TEXT:
            raise FaultyInputError(
                _INVALID, "`status` must be `enabled`, `paused` or `disabled`, `reason` a short text"
            )
        known = self.find(caller, stream_id)
        if (known.status, known.reason) == (status, neutral(reason)):
            return known
        changed = self._change(
            caller,
            stream_id,
            "stream.status",
            lambda stream: msgspec.structs.replace(stream, status=str(status), reason=neutral(reason)),
        )
        if changed.status == DISABLED:
            self._store.clear(changed.tenant, stream_id)
        if not caller.owner and changed.status != known.status:
            self._transmitter.status_changed(changed)
        return changed

    def add_subject(self, caller: Caller, stream_id: str, subject: object) -> None:
        """Let a stream tell of a subject.

        Raises:
            RefusedError: ``stream_unknown``, ``set_subject_invalid``, ``subjects_too_many``.
        """
        self._list_subject(caller, stream_id, subject, add=True)

    def remove_subject(self, caller: Caller, stream_id: str, subject: object) -> None:
        """Let a stream tell nothing more of a subject; same errors as ``add_subject``."""
        self._list_subject(caller, stream_id, subject, add=False)

    def forget_subject(self, tenant: str, subject: SubjectId) -> int:
        """Take a person who is to be forgotten off every list of a tenant; return how many lists named it.

        What waits to be delivered stays: it ends the person's sessions elsewhere, and goes when it arrives.
        """
        gone = 0
        for stream in self._store.streams(tenant):
            named = [text for text in self._store.subjects(tenant, stream.stream_id) if names(text, subject)]
            for text in named:
                self._store.remove_subject(tenant, stream.stream_id, text)
            gone += bool(named)
        return gone

    def verify(self, caller: Caller, stream_id: str, state: object = "") -> None:
        """Send a verification event over a stream.

        Raises:
            FaultyInputError: ``stream_invalid``.
            RefusedError: ``stream_unknown``, ``verification_too_soon``.
        """
        stream = self.find(caller, stream_id)
        if not isinstance(state, str) or len(state) > MAX_STATE:
            raise FaultyInputError(_INVALID, f"`state` must be a text of at most {MAX_STATE} characters")
        now_ns = self._clock.now_ns()
        # An administrator is not rate-limited: he owns the machine that does the work.
        limit_ns = now_ns - (self._rules.min_verification_s * _SECOND_NS if caller.owner else 0)
        if not self._store.may_verify(stream.tenant, stream_id, now_ns, limit_ns):
            text = f"a verification may be asked for every {self._rules.min_verification_s} s"
            raise RefusedError(TOO_SOON, text)
        self._transmitter.verify(stream, state)

    def heard(self, caller: Caller, stream_id: str) -> None:
        """Remember that a receiver showed a sign of life; to the minute, so that a poll seldom writes."""
        now_ns = self._clock.now_ns()
        if self._store.life(caller.tenant, stream_id).heard_ns + _HEARD_NS <= now_ns:
            self._store.hear(caller.tenant, stream_id, now_ns)

    def _list_subject(self, caller: Caller, stream_id: str, subject: object, *, add: bool) -> None:
        stream = self.find(caller, stream_id)
        name = canonical(read_subject_id(subject))
        # The subject is personal data: the record says that the list changed, not whom it names.
        self._note(caller, "stream.subject_add" if add else "stream.subject_remove", stream)
        if add == (stream.default_subjects == NONE):
            if not self._store.add_subject(stream.tenant, stream_id, name, MAX_SUBJECTS):
                raise RefusedError("subjects_too_many", f"a stream lists at most {MAX_SUBJECTS} subjects")
        else:
            self._store.remove_subject(stream.tenant, stream_id, name)

    def _change(self, caller: Caller, stream_id: str, action: str, make: Callable[[Stream], Stream]) -> Stream:
        for _ in range(_TRIES):
            before = self.find(caller, stream_id)
            after = make(before)
            self._note(caller, action, after)
            if self._store.replace_stream(before, after):
                return after
        raise RefusedError("stream_changed", "the stream was changed by somebody else at the same time")

    def _delivery(self, tenant: str, stream_id: str, wanted: Wanted) -> Delivery:
        if wanted.method in {None, POLL}:
            return Delivery()
        check_url(wanted.url, self._addresses)
        secret = wanted.authorization.encode()
        sealed = self._secrets.encrypt(tenant, secret_name(stream_id), secret) if secret else b""
        return Delivery(PUSH, wanted.url, sealed)

    def _note(self, caller: Caller, action: str, stream: Stream) -> None:
        told = {"stream": stream.stream_id, "owner": stream.owner, "status": stream.status}
        # Receivers put keys into their queries; a record is for ever.
        url = stream.delivery.url.partition("?")[0]
        self._record(caller.tenant, caller.by, action, **told, method=stream.delivery.method, url=url)


def secret_name(stream_id: str) -> str:
    """Return under which name a stream's secret is sealed."""
    return f"ssf-stream:{stream_id}"
