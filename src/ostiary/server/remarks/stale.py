"""What has grown old: a log that nobody verifies, copies or witnesses, its index, policy, models, addresses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.artifacts import verify_artifact
from ostiary.audit.ports import Selection
from ostiary.audit.settings import SYSTEM_TENANT
from ostiary.audit.verifier.memory import default_memory
from ostiary.audit.verifier.signed import read_checkpoint, read_vkey
from ostiary.audit.witness.peers import read_peers
from ostiary.errors import OstiaryError
from ostiary.risk.schema import KIND as RISK_MODEL
from ostiary.server.auditing.verifying import memory_file
from ostiary.server.remarks import DAY_NS, Remark, days
from ostiary.server.scoring import trusted_model_keys
from ostiary.server.wiring import House
from ostiary.vocabulary.unreadable import UNREADABLE

_CHECK: Final = "stale"
_WEEK_NS: Final = 7 * DAY_NS
_OLD_NS: Final = 365 * DAY_NS
_ADDRESSES_NS: Final = 90 * DAY_NS
_BEHIND: Final = 10_000
_DEEDS: Final = 500
_MEND_BACKUP: Final = "ostiary backup create --to PLACE"


def stale_remarks(house: House, now_ns: int) -> Iterator[Remark]:
    """Yield what has grown old in one data directory."""
    yield from _log(house, now_ns)
    yield from _backup(house, now_ns)
    yield from _addresses(house, now_ns)
    for row in house.tenants.living():
        yield from _index(house, row.tenant)
        yield from _policy(house, row.tenant, now_ns)
        yield from _model(house, row.tenant, now_ns)


def _log(house: House, now_ns: int) -> Iterator[Remark]:
    head = house.log.head()
    if not head.size:
        return
    seen = [_changed(place) for place in (memory_file(house.places), default_memory(head.origin))]
    if now_ns - max(seen) > _WEEK_NS:
        since = f"for {days(now_ns - max(seen))}" if max(seen) else "ever"
        yield Remark(_CHECK, f"the log was not verified from here {since}", "ostiary audit verify")
    if not read_peers(house.places.root):
        text = "nobody else witnesses the log: whoever owns this machine can rewrite it"
        yield Remark(_CHECK, text, "ostiary audit witness add URL KEY")
        return
    cosigned = _size(house, house.log.store.cosigned())
    if head.size - cosigned > _BEHIND or not cosigned:
        text = f"witnesses have cosigned {cosigned:,} of {head.size:,} entries"
        yield Remark(_CHECK, text, "ostiary audit witness cosign")


def _size(house: House, note: bytes) -> int:
    if not note:
        return 0
    keys = [read_vkey(key.vkey()) for key in house.log.public_keys()]
    return read_checkpoint(note, keys).size


def _backup(house: House, now_ns: int) -> Iterator[Remark]:
    if not house.log.head().size:
        return
    made = next((one.time_ns for one in _deeds(house) if one.action == "backup.create"), 0)
    if now_ns - made > _WEEK_NS:
        since = f"for {days(now_ns - made)}" if made else "yet"
        yield Remark(_CHECK, f"there was no backup {since}, as far as the log tells", _MEND_BACKUP)


class _Deed(msgspec.Struct, frozen=True):
    action: str = ""
    time_ns: int = 0


def _deeds(house: House) -> Iterator[_Deed]:
    """Yield what was last done to the deployment, newest first."""
    below = house.log.head().size
    for row in house.log.store.newest(Selection(SYSTEM_TENANT, "admin"), below, _DEEDS):
        stored = house.log.get(SYSTEM_TENANT, row.record_id)
        try:
            told: dict[str, Any] = msgspec.json.decode(stored.payload or b"{}") if stored else {}
        except UNREADABLE:
            continue
        yield _Deed(str(told.get("action", "")), row.time_ns)


def _index(house: House, tenant: str) -> Iterator[Remark]:
    newest = house.log.store.newest(Selection(tenant, "decision"), house.log.head().size, 1)
    behind = newest[0].idx + 1 - house.store.decisions.cursor(tenant) if newest else 0
    if behind > _BEHIND:
        text = f"the index of `{tenant}` is {behind:,} entries behind the log: pages and lists miss what is new"
        yield Remark(_CHECK, text, "ostiary decisions list")


def _policy(house: House, tenant: str, now_ns: int) -> Iterator[Remark]:
    folder = house.places.bundle(tenant)
    changed = max((_changed(path) for path in folder.rglob("*.rego")), default=0)
    if changed and now_ns - changed > _OLD_NS:
        text = f"nobody changed the policy of `{tenant}` for {days(now_ns - changed)}"
        yield Remark(_CHECK, text, f"ostiary policy test {folder}")


def _model(house: House, tenant: str, now_ns: int) -> Iterator[Remark]:
    folder = house.scorers.source(tenant)
    if folder is None or not folder.is_dir():
        return
    try:
        keys = trusted_model_keys(house.places, house.ring, tenant)
        made = verify_artifact(folder, keys, kind=RISK_MODEL).predicate.created_ns
    except OstiaryError:
        return  # that it does not load is said where the tenant is looked at
    if now_ns - made > _OLD_NS:
        yield Remark(_CHECK, f"the risk model in `{folder}` is {days(now_ns - made)} old", "ostiary risk train")


def _addresses(house: House, now_ns: int) -> Iterator[Remark]:
    path = house.settings.signals.mmdb
    changed = _changed(path) if path is not None else 0
    if changed and now_ns - changed > _ADDRESSES_NS:
        text = f"what is known of addresses, `{path}`, is {days(now_ns - changed)} old"
        yield Remark(_CHECK, text, "a newer file for signals.mmdb")


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
