"""Frozen baselines: signed by the deployment's key, made once, replaced only by a deed that people agreed to.

Rules:
- The first one is frozen by itself once there are ``BASELINE_DAYS`` quiet days. Any later one, for the same name, needs
  the deed ``baseline.replace``, bound to the digest of the one before and of the new one: enrolling again is no way
  around it, nor is being forgotten and seen anew, since the ledger remembers that there was one.
- What lies in the store is believed only with its signature, under its own tenant and subject, and only when it is the
  very one that the ledger named last: an older signed one put back is a fault, as a changed one is.
- The ledger is the audit log: what is frozen is written there before it counts.
- A baseline that is not believed is an alarm of its own, never a reason to begin anew.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from ostiary.defence.drift import Anchor, Day
from ostiary.errors import RefusedError, VerificationError
from ostiary.keys import SigningKey, VerifyingKey, sha256_hex
from ostiary.vocabulary.approvals import Deed, QuorumCheck

BASELINE_DAYS: Final = 30
REPLACE: Final = "baseline.replace"
_DOMAIN: Final = b"ostiary.baseline.v1\0"


class Baseline(msgspec.Struct, frozen=True):
    """One frozen baseline.

    Attributes:
        tenant, subject: whose; ``type:id``.
        serial: 1 for the first one, one more for each that replaced it.
        frozen_ns: when.
        anchor: what the measures were.
        kid, signature: of the deployment's key over all of that.
    """

    tenant: str
    subject: str
    serial: int
    frozen_ns: int
    anchor: Anchor
    kid: str = ""
    signature: bytes = b""

    @property
    def signed(self) -> bytes:
        """What is signed."""
        told = [self.tenant, self.subject, self.serial, self.frozen_ns, msgspec.to_builtins(self.anchor)]
        return _DOMAIN + msgspec.json.encode(told)

    @property
    def digest(self) -> str:
        """By this ledger and deed name it."""
        return f"sha256:{sha256_hex(self.signed)}"


class BaselineStore(Protocol):
    """Where baselines lie; whoever can write here is not believed."""

    def load(self, tenant: str, subject: str) -> bytes | None:
        """Return what lies there, or ``None``."""
        ...

    def save(self, tenant: str, subject: str, data: bytes) -> None:
        """Keep it."""
        ...


class BaselineLedger(Protocol):
    """Which baseline counts, remembered where nobody can take it back."""

    def last(self, tenant: str, subject: str) -> str:
        """Return the digest that was written last, empty when there never was one."""
        ...

    def write(self, baseline: Baseline, approval: str) -> None:
        """Write one down; when this returns it is on disk. ``approval`` is empty for a first one.

        Raises:
            UnavailableError: it cannot be written; then it does not count.
        """
        ...


class Baselines:
    """Freezes, finds and replaces baselines."""

    def __init__(self, store: BaselineStore, ledger: BaselineLedger, quorum: QuorumCheck | None = None) -> None:
        """Take where they lie, what remembers them, and who tells whether people agreed (nobody: none is replaced)."""
        self._store = store
        self._ledger = ledger
        self._quorum = quorum

    def find(self, tenant: str, subject: str, keys: Sequence[VerifyingKey]) -> Baseline | None:
        """Return the baseline in force, or ``None`` when there never was one.

        Raises:
            VerificationError: ``baseline_missing``, ``baseline_tampered`` or ``baseline_rolled_back``.
        """
        last, data = self._ledger.last(tenant, subject), self._store.load(tenant, subject)
        if not last:
            return None  # whatever lies there was never frozen by this deployment
        if data is None:
            raise VerificationError("baseline_missing", "a frozen baseline was taken away")
        try:
            found = msgspec.msgpack.decode(data, type=Baseline)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as fault:
            raise VerificationError("baseline_tampered", "a frozen baseline cannot be read") from fault
        known = {key.kid: key for key in keys}
        mine = (found.tenant, found.subject) == (tenant, subject)
        if not mine or found.kid not in known or not known[found.kid].verify(found.signature, found.signed):
            raise VerificationError("baseline_tampered", "a frozen baseline is not what was signed")
        if found.digest != last:
            raise VerificationError("baseline_rolled_back", "an older baseline was put back")
        return found

    def freeze(self, tenant: str, subject: str, days: Sequence[Day], key: SigningKey, now_ns: int) -> Baseline:
        """Freeze the first baseline of a subject.

        Raises:
            RefusedError: ``baseline_exists``: there was one; it is replaced by deed. ``baseline_too_few_days``.
        """
        if self._ledger.last(tenant, subject):
            raise RefusedError("baseline_exists", f"there is a baseline; the deed `{REPLACE}` replaces it")
        return self._keep(_made(tenant, subject, 1, days, now_ns), key, "")

    def deed(self, baseline: Baseline, days: Sequence[Day], now_ns: int) -> Deed:
        """Return the deed that people must agree to before ``days`` take the place of ``baseline``."""
        made = _made(baseline.tenant, baseline.subject, baseline.serial + 1, days, now_ns)
        return _deed(baseline, made)

    def replace(
        self, baseline: Baseline, days: Sequence[Day], frozen_ns: int, proposal_id: str, key: SigningKey, now_ns: int
    ) -> Baseline:
        """Put a baseline of ``days`` in the place of ``baseline``, if people agreed to exactly that.

        Args:
            baseline: the one in force.
            days: what the new one is made of.
            frozen_ns: the time that the deed named.
            proposal_id: the proposal that is said to cover it.
            key: of the deployment.
            now_ns: the time of the question.

        Raises:
            RefusedError: ``approval_…``, ``baseline_too_few_days``, ``baseline_stale``: another one is in force by now.
        """
        if self._ledger.last(baseline.tenant, baseline.subject) != baseline.digest:
            raise RefusedError("baseline_stale", "another baseline is in force by now")
        if self._quorum is None:
            raise RefusedError("approval_missing", "nobody can tell here whether people agreed")
        made = _made(baseline.tenant, baseline.subject, baseline.serial + 1, days, frozen_ns)
        approved = self._quorum.check(_deed(baseline, made), proposal_id, now_ns)
        return self._keep(made, key, approved.digest)

    def _keep(self, bare: Baseline, key: SigningKey, approval: str) -> Baseline:
        made = msgspec.structs.replace(bare, kid=key.kid, signature=key.sign(bare.signed))
        self._store.save(made.tenant, made.subject, msgspec.msgpack.encode(made))
        self._ledger.write(made, approval)
        return made


def _made(tenant: str, subject: str, serial: int, days: Sequence[Day], now_ns: int) -> Baseline:
    anchor = Anchor.of(days)
    if len(days) < BASELINE_DAYS or not anchor.ready:
        raise RefusedError("baseline_too_few_days", f"{len(days)} days, {BASELINE_DAYS} are needed")
    return Baseline(tenant, subject, serial, now_ns, anchor)


def _deed(before: Baseline, after: Baseline) -> Deed:
    bound = {"before": before.digest, "after": after.digest, "serial": str(after.serial)}
    return Deed(before.tenant, REPLACE, before.subject, bound, own=frozenset({before.subject}))
