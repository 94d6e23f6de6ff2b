"""Suppressions of a tenant: added with an end, a reason and a preview; removed at any time; never more than they say.

- Only an adaptive rule of the bundle in force, or a signal of the catalogue, can be named; a guardrail's rule is
  refused, and would be in vain: the law never asks.
- An end is demanded, at most 90 days away. A broad one (no subject named) needs several people's agreement, asked when
  it is added and again whenever it takes effect; without anybody to ask there are no broad ones.
- A deed is on record before it counts. Rows are signed: what somebody wrote into the database, or brought from another
  tenant, silences nothing, and neither does anything else until that row is gone.
- An agreement is used up by the suppression that it was for; removed, it needs another one.
"""

import re
import threading
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ostiary.decision.suppressing import RULE, SIGNAL, Suppression
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError
from ostiary.keys import KeyRing, random_bytes, sha256_hex
from ostiary.policy.rulebook import RULE_ID
from ostiary.server.admins import name_of
from ostiary.server.signed_shelf import ShelfStore, SignedShelf
from ostiary.signals import features
from ostiary.vocabulary.approvals import Deed, QuorumOnce
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id
from ostiary.vocabulary.verdicts import Suppressed

KIND: Final = "suppression"
PURPOSE: Final = "suppressions"
DEED: Final = "suppression.add"
MOST: Final = 500
MOST_DAYS: Final = 90
MAX_REASON: Final = 500
_LOOK_EVERY_NS: Final = 1_000_000_000
_DAY_NS: Final = 86_400 * 1_000_000_000
_PATTERN: Final = re.compile(r"[*?\[\]%]")
_MAX_NAME: Final = 256


class Wish(msgspec.Struct, frozen=True):
    """What somebody wants silenced; ``kind`` is ``rule`` or ``signal``."""

    kind: str
    name: str
    expires_ns: int
    reason: str
    subject: str = ""
    group: str = ""
    resource_class: str = ""
    proposal: str = ""


class Suppressions:
    """The suppressions of every tenant; a ``SuppressionSource``, safe for several threads."""

    def __init__(
        self,
        store: ShelfStore,
        ring: KeyRing,
        now_ns: Callable[[], int],
        quorum: QuorumOnce | None = None,
        on_fault: Callable[[str, BaseException], None] = lambda _reason, _fault: None,
    ) -> None:
        """Take where they are kept, the time, and who tells whether enough people agreed to a broad one."""
        self._shelf = SignedShelf(store, ring, KIND, Suppression, PURPOSE)
        self._now_ns, self._quorum, self._on_fault = now_ns, quorum, on_fault
        self._lock = threading.Lock()
        self._known: dict[str, tuple[int, tuple[Suppression, ...]]] = {}

    def in_force(
        self, tenant: str, subject_key: str, groups: Sequence[str], resource_class: str, now_ns: int
    ) -> tuple[Suppressed, ...]:
        """Return the suppressions whose scope holds this access, in the order of their ids."""
        known = self._fresh(tenant)
        return tuple(each.told() for each in known if each.holds(subject_key, groups, resource_class, now_ns))

    def listed(self, tenant: str) -> list[Suppression]:
        """Return every suppression that is kept, expired ones too.

        Raises:
            VerificationError: ``shelf_tampered``.
        """
        return sorted(self._shelf.all(tenant), key=lambda each: each.id)

    def draft(self, tenant: str, wish: Wish, by: str, adaptive: frozenset[str]) -> Suppression:
        """Return the suppression that a wish would become; ``adaptive`` are the rules that may be named.

        Raises:
            FaultyInputError: ``suppression_invalid``.
            RefusedError: ``suppression_of_guardrail``, ``suppressions_too_many``.
        """
        now = self._now_ns()
        _check(wish, now)
        if wish.kind == RULE and wish.name not in adaptive:
            raise RefusedError(
                "suppression_of_guardrail", "only a rule that proposes on a model's word can be silenced"
            )
        if sum(each.expires_ns > now for each in self.listed(tenant)) >= MOST:
            raise RefusedError("suppressions_too_many", f"at most {MOST} suppressions may be in force")
        told = msgspec.structs.asdict(wish)
        return Suppression(id=make_id("sup", now, random_bytes(RANDOM_BYTES)), from_ns=now, by=by, **told)

    def agreed(self, tenant: str, made: Suppression) -> None:
        """Check that a suppression may be: a broad one needs people's agreement.

        Raises:
            RefusedError: ``suppression_needs_approval``, or the approval's own refusal.
        """
        if not made.is_broad:
            return
        if self._quorum is None or not made.proposal:
            text = "this would silence more than one subject: several people must agree to it"
            raise RefusedError("suppression_needs_approval", text)
        self._quorum.check(deed_of(tenant, made), made.proposal, self._now_ns())

    def take_agreement(self, tenant: str, made: Suppression, by: str) -> None:
        """Use up what people agreed to, for this suppression alone; raises as ``agreed``, and ``approval_used``."""
        self.agreed(tenant, made)
        if made.is_broad and self._quorum is not None:
            self._quorum.use(deed_of(tenant, made), made.proposal, by)

    def keep(self, tenant: str, made: Suppression) -> None:
        """Put one in force; its deed is on record already."""
        self._shelf.save(tenant, made.id, made, self._now_ns())
        self._known.pop(tenant, None)

    def remove(self, tenant: str, name: str) -> None:
        """End one at once; its deed is on record already."""
        self._shelf.delete(tenant, name)
        self._known.pop(tenant, None)

    def find(self, tenant: str, name: str) -> Suppression:
        """Return one.

        Raises:
            RefusedError: ``suppression_unknown``.
        """
        found = self._shelf.load(tenant, name)
        if found is None:
            raise RefusedError("suppression_unknown", "there is no such suppression")
        return found

    def _fresh(self, tenant: str) -> tuple[Suppression, ...]:
        known, now = self._known.get(tenant), self._now_ns()
        if known is not None and 0 <= now - known[0] < _LOOK_EVERY_NS:
            return known[1]
        with self._lock:
            living = [each for each in self.listed(tenant) if each.expires_ns > now]
            found = tuple(each for each in living if self._stands(tenant, each))
            self._known[tenant] = (now, found)
            return found

    def _stands(self, tenant: str, made: Suppression) -> bool:
        try:
            self.agreed(tenant, made)
        except OstiaryError as fault:
            self._on_fault("suppression_not_agreed", fault)
            return False
        return True


def deed_of(tenant: str, made: Suppression) -> Deed:
    """Return what people agree to when they agree to a broad suppression."""
    bound = {
        "kind": made.kind,
        "name": made.name,
        "group": made.group,
        "resource_class": made.resource_class,
        "expires_ns": str(made.expires_ns),
        "reason": sha256_hex(made.reason.encode()),
    }
    return Deed(tenant, DEED, f"{made.kind}:{made.name}", bound, frozenset({made.by, name_of(made.by)}))


def _check(wish: Wish, now_ns: int) -> None:
    if wish.kind not in {RULE, SIGNAL}:
        raise _invalid("a suppression silences a `rule` or a `signal`")
    if wish.kind == RULE and not RULE_ID.match(wish.name):
        raise _invalid("a rule is named by its id")
    if wish.kind == SIGNAL and wish.name not in features.INDEX:
        raise _invalid("there is no such signal")
    if not now_ns < wish.expires_ns <= now_ns + MOST_DAYS * _DAY_NS:
        raise _invalid(f"an end is needed, at most {MOST_DAYS} days away")
    if not wish.reason.strip() or len(wish.reason) > MAX_REASON:
        raise _invalid(f"give a reason of at most {MAX_REASON} characters")
    for text in (wish.subject, wish.group, wish.resource_class):
        odd = _PATTERN.search(text) or text != text.strip() or unicodedata.normalize("NFC", text) != text
        if odd or len(text) > _MAX_NAME or not (text.isprintable() or not text):
            raise _invalid("a scope is one exact name: no patterns, no spaces around it, no odd characters")
    if wish.subject and ":" not in wish.subject:
        raise _invalid("a subject is named `type:id`")


def _invalid(text: str) -> FaultyInputError:
    return FaultyInputError("suppression_invalid", text)
