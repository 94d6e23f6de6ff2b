"""Texts that are long, or blank: what is kept of them for the next record is bounded, and so is the time they take."""

import gc
import json
import time
import tracemalloc

from ostiary.signals.importing import read

SIZE = 100_000
RECORDS = 40
MOST_KEPT = RECORDS * SIZE // 4  # all of it was kept, for each of three caches of 16,384 texts


def lines(size: int) -> bytes:
    texts = [f"{number}{'x' * size}" for number in range(RECORDS)]
    records = [
        {"time": 1_714_557_600, "action": "login", "user": "@" + text, "email": text + "@a.b", "ip": text, "host": text,
         text: {"status": text, text: True}, "user_agent": text, "commandline": text, "sourceipaddress": text}
        for text in texts
    ]  # fmt: skip
    return b"\n".join(json.dumps(each).encode() for each in records)


def test_no_long_text_is_kept() -> None:
    data = lines(SIZE)
    list(read("panther", [lines(10)], "acme"))
    gc.collect()
    tracemalloc.start()
    try:
        assert sum(1 for _ in read("panther", [data], "acme")) == RECORDS
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < MOST_KEPT, f"{kept:,} bytes are kept"


def test_blanks_in_an_audit_record_take_no_time() -> None:
    line = 'type=USER_LOGIN msg=audit(1700000000.123:7): acct="x" res=failed' + " " * 16_000 + "|\n"
    began = time.process_time()
    assert len(list(read("auditd", [line.encode()], "acme"))) == 1
    assert time.process_time() - began < 0.5  # a second
