"""Naming the attack: what was remembered against what is there now, entry by entry.

With leaf hashes and times on both sides the eight attacks leave eight different traces:

1. The rest is missing, the beginning agrees: *truncate*, or *restore old backup* when exactly this state was seen once.
2. Everything remembered is there, in order, but something stands between: *back-date* (an entry was slipped in).
3. Everything remembered is there in another order: *reorder*.
4. Some are missing and the rest moved up: *delete*.
5. Some differ in place, the rest stands: *modify*, or *back-date* when an entry now claims an earlier time.
6. From one entry on all is different: the same times again = *rewrite and append*; later times only = *restore old
   backup* that then went on; times in between = *split view*, a second log that grew beside ours.

This only names what the roots have already proved to be wrong.
"""

from collections.abc import Collection, Sequence
from itertools import pairwise

from ostiary.audit.verifier.leaves import UNKNOWN, Leaves
from ostiary.audit.verifier.report import Attack, Finding


def diagnose(old: Leaves, new: Leaves, seen_sizes: Collection[int], evidence: str) -> Finding | None:
    """Return what happened to the remembered entries ``old``, ``None`` when ``new`` only grew from them.

    Args:
        old: what was remembered.
        new: what the log shows now.
        seen_sizes: sizes at which the log was seen with exactly the entries it has now.
        evidence: whose memory this is, for the report.
    """
    fork = old.first_difference(new)
    if fork is None and len(new) >= len(old):
        return None
    attack, index, text = _shorter(old, new, seen_sizes) if fork is None else _different(old, new, fork)
    return Finding(attack, index, text, evidence)


Named = tuple[Attack, int, str]


def _shorter(old: Leaves, new: Leaves, seen_sizes: Collection[int]) -> Named:
    size = len(new)
    if size in seen_sizes:
        return Attack.RESTORE, size, f"this is the state of an earlier time: {len(old) - size} newer entries are gone"
    return Attack.TRUNCATE, size, f"the last {len(old) - size} entries are gone, the first of them is entry {size}"


def _different(old: Leaves, new: Leaves, fork: int) -> Named:
    place = {old[index]: index for index in range(fork, len(old))}
    kept = [(place[new[index]], index) for index in range(fork, len(new)) if new[index] in place]
    if not kept:
        return _all_different(old, new, fork)
    missing = sorted(set(place.values()) - {was for was, _ in kept})
    in_order = all(one[0] < other[0] for one, other in pairwise(kept))
    if not in_order:
        now = next((index for was, index in kept if was == fork), None)
        where = "is gone" if now is None else f"stands at {now} now"
        return Attack.REORDER, fork, f"entries stand in another order: entry {fork} {where}"
    if not missing:
        return Attack.BACK_DATE, fork, f"entry {fork} was slipped in before entries that were already there"
    if all(was == index for was, index in kept):
        return _in_place(old, new, [index for index in missing if index < len(new)])
    return Attack.DELETE, missing[0], f"{_entries(missing)} gone, what followed has moved up"


def _all_different(old: Leaves, new: Leaves, fork: int) -> Named:
    tail = range(fork, len(old))
    if len(tail) == 1:
        return _last_different(old, new, fork)
    again = len({old.ts[index] for index in tail} & set(new.ts[fork:]))
    if again * 2 >= len({old.ts[index] for index in tail}):
        text = f"every entry from {fork} on was written anew under the same times, and the log went on"
        return Attack.REWRITE, fork, text
    if new.at[fork] > old.at[-1]:
        text = f"an older state was put back: entries {fork} to {len(old) - 1} are gone, and the log went on from there"
        return Attack.RESTORE, fork, text
    return Attack.SPLIT_VIEW, fork, f"this is another log that grew beside the one we know, from entry {fork} on"


def _last_different(old: Leaves, new: Leaves, fork: int) -> Named:
    if new.ts[fork] == old.ts[fork] or UNKNOWN in {old.ts[fork], new.ts[fork]}:
        return Attack.MODIFY, fork, f"entry {fork} was modified"
    if new.at[fork] > old.at[fork]:
        return (
            Attack.RESTORE,
            fork,
            f"an older state was put back: entry {fork} is gone, and the log went on from there",
        )
    if new.at[fork] == old.at[fork]:
        return _in_place(old, new, [fork])
    return Attack.SPLIT_VIEW, fork, f"this is another log that grew beside the one we know, from entry {fork} on"


def _in_place(old: Leaves, new: Leaves, changed: Sequence[int]) -> Named:
    earlier = [i for i in changed if UNKNOWN != new.ts[i] < old.ts[i] or UNKNOWN != new.at[i] < old.at[i]]
    if earlier:
        return Attack.BACK_DATE, earlier[0], f"entry {earlier[0]} now claims to be older than it was"
    return Attack.MODIFY, changed[0], f"{_entries(changed)} modified"


def _entries(indexes: Sequence[int]) -> str:
    if len(indexes) == 1:
        return f"entry {indexes[0]} was" if indexes else "nothing was"
    shown = ", ".join(str(index) for index in indexes[:5])
    return f"entries {shown}{' …' if len(indexes) > 5 else ''} were"  # noqa: PLR2004 - five are enough to look at
