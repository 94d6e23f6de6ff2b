"""Whether entries, tiles and the signed root tell one story; if not, who was changed.

The signed root is the judge: of entries and tiles, the side that hashes up to it is the truth.
"""

from ostiary.audit.verifier.diagnose import diagnose
from ostiary.audit.verifier.leaves import HASH
from ostiary.audit.verifier.ports import LogSource, Missing
from ostiary.audit.verifier.report import Attack, Report
from ostiary.audit.verifier.scan import WIDTH, Scan
from ostiary.audit.verifier.signed import Head
from ostiary.audit.verifier.trees import root_over


def check_structure(source: LogSource, head: Head, seen: Scan, report: Report) -> None:
    """Compare entries with tiles, tiles with each other, and the whole with the signed root."""
    beyond = source.beyond(head.size)
    if beyond:
        text = f"{beyond} entries lie behind the end that the checkpoint signs: it is older than the log"
        report.add(Attack.TRUNCATE, head.size, text, "the checkpoint")
    if seen.ends_at is not None:
        text = f"the log ends before entry {seen.ends_at}, but signs {head.size} entries"
        report.add(Attack.TRUNCATE, seen.ends_at, text, "the signed size")
        return
    if seen.gone:
        _name_gone(seen, head.size, report)
        return
    tiles_hold = root_over(seen.tiled) == head.root
    if seen.leaves.first_difference(seen.tiled) is not None:
        _name_difference(seen, report, tiles_hold=tiles_hold, entries_hold=root_over(seen.leaves) == head.root)
    elif not tiles_hold:
        text = "entries and tiles agree with each other but not with the signed root: the log was rewritten"
        report.add(Attack.BROKEN, None, text, "the signed root")
    else:
        _check_upper_tiles(source, seen, head.size, report)


def _name_gone(seen: Scan, size: int, report: Report) -> None:
    first = seen.gone[0]
    if seen.gone == list(range(first, size)):
        report.add(Attack.TRUNCATE, first, f"the entries from {first} to {size - 1} are gone", "the signed size")
        return
    shown = ", ".join(str(number) for number in seen.gone[:5])
    report.add(Attack.DELETE, first, f"{len(seen.gone)} entries are gone: {shown}", "the signed size")


def _name_difference(seen: Scan, report: Report, *, tiles_hold: bool, entries_hold: bool) -> None:
    if entries_hold and not tiles_hold:
        at = seen.tiled.first_difference(seen.leaves)
        report.add(Attack.MODIFY, at, f"the tile over entry {at} was modified", "the signed root")
        return
    finding = diagnose(seen.tiled, seen.leaves, (), "the tiles of the log itself")
    if finding is not None:
        report.findings.append(finding)


def _check_upper_tiles(source: LogSource, seen: Scan, size: int, report: Report) -> None:
    below = list(seen.tiled)
    level = 0
    while len(below) >= WIDTH:
        level += 1
        below = [root_over(below[at : at + WIDTH]) for at in range(0, len(below) - WIDTH + 1, WIDTH)]
        for index in range(-(-len(below) // WIDTH)):
            wanted = b"".join(below[index * WIDTH : (index + 1) * WIDTH])
            if _stored(source, level, index, len(wanted) // HASH) != wanted:
                at = min(index * WIDTH ** (level + 1), size - 1)
                text = f"tile {level}/{index} is not what the entries below it hash to"
                report.add(Attack.MODIFY, at, text, "the tiles of the log itself")


def _stored(source: LogSource, level: int, index: int, width: int) -> bytes:
    try:
        return source.tile(level, index, width)[: width * HASH]
    except Missing:
        return b""
