"""Verification, in seven steps.

All of this must be true:

1. The checkpoint is signed by a key that we trust: given, remembered, or (first visit only) published by the log.
2. As many witnesses as demanded have cosigned it.
3. Every entry is there, well-formed, and not dated before the one it follows.
4. Entries, tiles and the signed root tell one story.
5. Every payload is what its entry committed to, or its erasure is on record.
6. The log is a continuation of what we remember.
7. The log is a continuation of what witnesses cosigned.

Only then is the new state remembered.
"""

import base64
from collections.abc import Iterable, Sequence

from ostiary.audit.verifier.diagnose import diagnose
from ostiary.audit.verifier.memory import Memory, Seen
from ostiary.audit.verifier.ports import LogSource
from ostiary.audit.verifier.report import Attack, Finding, Report
from ostiary.audit.verifier.scan import Scan, scan
from ostiary.audit.verifier.signed import LOG_KEY, Head, Vkey, origin_of, read_checkpoint, read_vkey
from ostiary.audit.verifier.structure import check_structure
from ostiary.audit.verifier.trees import prefix_roots
from ostiary.errors import FaultyInputError, VerificationError


class Verifier:
    """Verifies one log, once.

    Args:
        keys: the log's verifier keys, when the caller has them from elsewhere; they outrank remembered ones.
        witnesses: verifier keys of witnesses that are trusted.
        need: how many witnesses must have cosigned the newest checkpoint.
        witnessed: cosigned checkpoints from witnesses or other clients.
        payloads: whether payloads are opened where the source keeps them.
        since: read only what is new since the memory; what it covers is taken as it was then. That proves that the log
            only grew, and says nothing of what lies in the old part of the source now.
    """

    def __init__(
        self,
        source: LogSource,
        memory: Memory | None = None,
        *,
        keys: Sequence[Vkey] = (),
        witnesses: Sequence[Vkey] = (),
        need: int = 0,
        witnessed: Sequence[bytes] = (),
        payloads: bool = True,
        since: bool = False,
    ) -> None:
        """Prepare; nothing is read yet."""
        self._source = source
        self._memory = memory
        self._keys = list(keys)
        self._witnesses = witnesses
        self._need = need
        self._witnessed = witnessed
        self._payloads = payloads
        self._known = memory.leaves if since and memory is not None else None
        self.report = Report(first_use=memory is None)

    def run(self) -> Memory | None:
        """Verify; findings are in ``report``. Return what to remember, ``None`` when anything was found.

        Raises:
            UnavailableError: the log cannot be read; that says nothing about it.
        """
        report = self.report
        # 1. a trusted key signed the checkpoint
        head = self._signed_head()
        if head is None:
            return None
        report.origin, report.size, report.root = head.origin, head.size, base64.b64encode(head.root).decode()
        report.signed_by = list(head.signers)
        # 2. witnesses
        self._check_witnesses(head)
        # 3. and 5. entries and payloads
        seen = scan(self._source, head.size, report, payloads=self._payloads, known=self._known)
        if self._known is not None:
            report.notes.append(f"the first {len(self._known)} entries were not read again")
        if self._payloads and head.size and not report.payloads.looked:
            report.notes.append("payloads were not compared: this source does not hold them, or not their keys")
        # 4. one story
        check_structure(self._source, head, seen, report)
        # 6. what we remember
        if self._memory is not None:
            report.remembered_size = self._memory.size
            _add_new(report, compare(self._memory, head, seen))
        # 7. what witnesses cosigned
        self._compare_witnessed(head, seen)
        return None if report.findings else self._learned(head, seen)

    def _signed_head(self) -> Head | None:
        note = self._source.checkpoint()
        try:
            trusted = self._trusted(origin_of(note))
            return read_checkpoint(note, trusted, self._witnesses)
        except FaultyInputError as fault:
            self.report.add(Attack.BROKEN, None, fault.message, "the checkpoint")
        except VerificationError as fault:
            changed = self._memory is not None and not self._keys and self._signed_by_published(note)
            text = "the log is signed by a key that we do not know: if it was rotated, pass the new one with `--key`"
            told = (Attack.KEY_CHANGED, None, text) if changed else (Attack.UNSIGNED, None, fault.message)
            self.report.add(*told, "the checkpoint's signatures")
        return None

    def _trusted(self, origin: str) -> list[Vkey]:
        if self._memory is not None and self._memory.origin != origin:
            text = f"this log calls itself `{origin}`, the remembered one `{self._memory.origin}`"
            raise VerificationError("origin_changed", text)
        if self._keys:
            return self._keys
        if self._memory is not None:
            return [read_vkey(text) for text in self._memory.keys]
        self.report.notes.append("first visit: the key that the log publishes was trusted as it is")
        return self._published()

    def _published(self) -> list[Vkey]:
        try:
            return [read_vkey(text) for text in self._source.published_keys()]
        except FaultyInputError:
            return []

    def _signed_by_published(self, note: bytes) -> bool:
        try:
            return bool(read_checkpoint(note, self._published()).signers)
        except (FaultyInputError, VerificationError):
            return False

    def _check_witnesses(self, head: Head) -> None:
        self.report.cosigned_by = sorted({name for name, _ in head.cosigners})
        if len(self.report.cosigned_by) < self._need:
            text = f"{len(self.report.cosigned_by)} of {self._need} witnesses have cosigned the newest checkpoint"
            self.report.add(Attack.UNWITNESSED, None, text, "the cosignatures")

    def _compare_witnessed(self, head: Head, seen: Scan) -> None:
        trusted = [read_vkey(text) for text in head.signers] + self._keys
        heads = []
        for note in self._witnessed:
            try:
                heads.append(read_checkpoint(note, trusted, self._witnesses))
            except (FaultyInputError, VerificationError) as fault:
                self.report.notes.append(f"a checkpoint from elsewhere was ignored: {fault.message}")
        _add_new(self.report, compare_heads(heads, head, seen))

    def _learned(self, head: Head, seen: Scan) -> Memory:
        before = self._memory.seen if self._memory is not None else []
        known = self._memory.keys if self._memory is not None else []
        state = Seen(head.size, self.report.root)
        fresh = [text for text in seen.keys if _is_key_of(text, head.origin)]
        keys = list(dict.fromkeys([*head.signers, *known, *fresh]))
        history = [*(one for one in before if one != state), state]
        return Memory(head.origin, keys, head.note, head.size, head.root, seen.leaves, history)


def compare(memory: Memory, head: Head, seen: Scan) -> Finding | None:
    """Return what happened to the log since it was remembered, ``None`` when it only grew."""
    if memory.leaves is not None:
        again = memory.seen_again(head.size, head.root)
        return diagnose(memory.leaves, seen.leaves, {head.size} if again else (), "what was remembered")
    remembered = Head(memory.origin, memory.size, memory.root, memory.checkpoint, ())
    return compare_heads([remembered], head, seen)


def compare_heads(heads: Iterable[Head], head: Head, seen: Scan) -> Finding | None:
    """Return what happened, knowing only checkpoints of other times or other clients."""
    known = sorted({(one.size, one.root): one for one in heads if one.origin == head.origin}.values(), key=_by_size)
    roots = prefix_roots(seen.leaves, [one.size for one in known])
    agreed = 0
    for one in known:
        if one.size > head.size:
            again = any((other.size, other.root) == (head.size, head.root) for other in known)
            return _shorter(one.size, head.size, again=again)
        if roots.get(one.size) != one.root:
            return _forked(one.size, head.size, agreed)
        agreed = one.size
    return None


def _shorter(witnessed: int, size: int, *, again: bool) -> Finding:
    text = f"witnesses have seen {witnessed} entries, this log has {size}"
    attack = Attack.RESTORE if again else Attack.TRUNCATE
    told = f"{text}: it is the state of an earlier time" if again else f"{text}: the end is gone"
    return Finding(attack, size, told, "cosigned checkpoints")


def _forked(witnessed: int, size: int, agreed: int) -> Finding:
    where = f"between entries {agreed} and {witnessed - 1}"
    if witnessed == size:
        text = f"witnesses were shown another log of the same size; it differs {where}"
        return Finding(Attack.SPLIT_VIEW, agreed, text, "cosigned checkpoints")
    text = f"history was rewritten {where} and the log went on"
    return Finding(Attack.REWRITE, agreed, text, "cosigned checkpoints")


def _by_size(head: Head) -> int:
    return head.size


def _add_new(report: Report, finding: Finding | None) -> None:
    """Add a finding unless the same thing was found from other evidence."""
    if finding is None or any((one.attack, one.index) == (finding.attack, finding.index) for one in report.findings):
        return
    broken = [one for one in report.findings if one.attack is Attack.BROKEN and one.index is None]
    for one in broken:  # now it has a better name
        report.findings.remove(one)
    report.findings.append(finding)


def _is_key_of(text: str, origin: str) -> bool:
    try:
        key = read_vkey(text)
    except FaultyInputError:
        return False
    return key.kind == LOG_KEY and key.name == origin


def remember_checkpoint(note: bytes, keys: Sequence[Vkey]) -> Memory:
    """Return a memory made of one checkpoint note only, such as another client or a log book kept it.

    Raises:
        FaultyInputError: ``checkpoint_malformed``.
        VerificationError: no given key signed it.
    """
    head = read_checkpoint(note, keys)
    state = Seen(head.size, base64.b64encode(head.root).decode())
    return Memory(head.origin, [key.text for key in keys], note, head.size, head.root, None, [state])
