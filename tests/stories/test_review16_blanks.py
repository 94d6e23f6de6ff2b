"""An account called like another with a no-break space after it acted as that other one; and files that change."""

import json
from pathlib import Path

import pytest

from ostiary.signals.anylog.mapping import load
from ostiary.signals.formats import format_of
from ostiary.signals.importing import Accepted, Rejected, adapter_of, read
from ostiary.signals.logtypes.registry import normaliser_of

TIME = "2024-05-01T10:00:00Z"


@pytest.mark.parametrize("odd", ["\u00a0", "\u2003", "\u3000", "\u2009"])
def test_a_blank_that_nobody_sees_makes_another_name(odd: str, tmp_path: Path) -> None:
    name = f"ann{odd}"
    record = {"EventID": 4624, "TargetUserName": name, "time": TIME}
    assert normaliser_of("Windows.EventLogs")(record, "acme").subject_id == name
    assert (
        adapter_of("github").normalise({"action": "x.y", "actor": name, "@timestamp": TIME}, "acme").subject_id == name
    )
    line = f"{TIME} h sshd[1]: Failed password for invalid user {name} from 203.0.113.7 port 5 ssh2\n"
    [found] = read("sshd", [line.encode()], "acme")
    assert isinstance(found, Accepted)
    assert found.event.subject_id == name
    path = tmp_path / "log.csv"
    path.write_text(f"time,subject_id,action,resource_id\n{TIME}, {name} ,read,f\n")
    [found] = format_of("csv_basic").read(path, "acme")
    assert isinstance(found, Accepted)
    assert found.event.subject_id == name


def test_bytes_that_are_no_text_make_other_names() -> None:
    line = "type=USER_LOGIN msg=audit(1700000000.123:7): auid=4294967295 msg='op=login acct={} res=failed'\n"
    found = list(read("auditd", ["".join(map(line.format, ("616E6EFF", "616E6EFE", "616E6EC2A0"))).encode()], "acme"))
    names = [each.event.subject_id for each in found if isinstance(each, Accepted)]
    assert names == [r"ann\xff", r"ann\xfe", "ann\u00a0"]


def test_a_file_that_changes_while_it_is_read_says_so(tmp_path: Path) -> None:
    """Its digest was of the one, and its events of the other."""
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    row = {"time": TIME, "subject_id": "ann", "action": "read", "resource_id": "f"}
    path = tmp_path / "log.parquet"
    pq.write_table(pa.Table.from_pylist([row] * 3), path)
    mapping = load(json.dumps(_mapping()).encode(), "m.yaml")
    assert all(isinstance(each, Accepted) for each in mapping.read_file(path, "acme", lambda _part: None))

    def change(_part: bytes) -> None:
        pq.write_table(pa.Table.from_pylist([{**row, "subject_id": "bob"}] * 3), path)

    last = list(mapping.read_file(path, "acme", change))[-1]
    assert isinstance(last, Rejected)
    assert last.code == "input_changed"


def _mapping() -> dict[str, object]:
    event = {"time": "time", "subject_id": "subject_id", "action": "action", "resource_id": "resource_id"}
    return {"mapping": "m", "read": {"as": "parquet"}, "event": {**event, "resource_type": {"constant": "file"}}}
