"""A witness as people run it: `ostiary audit witness serve` in a process of its own, asked over HTTP."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from ostiary.audit.tlog.checkpoints import Checkpoint, sign_checkpoint
from ostiary.audit.tlog.cosignatures import verify_cosignatures
from ostiary.audit.tlog.merkle import leaf_hash
from ostiary.audit.tlog.notes import NoteKey, parse_note, parse_vkey
from ostiary.audit.witness.request import encode_request
from ostiary.keys import SigningKey, sha256_hex

MAIN = [sys.executable, "-c", "from ostiary.cli import main; main()"]


def _wait_for(url: str) -> None:
    for _ in range(200):
        try:
            httpx.get(url)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(url)


def test_a_served_witness_cosigns_and_remembers_over_a_restart(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir(mode=0o700)
    common = ["--name", "witness.test/w1", "--state", str(tmp_path / "w")]
    shown = subprocess.run([*MAIN, "audit", "witness", "key", *common], capture_output=True, text=True, check=True)
    witness = parse_vkey(shown.stdout)
    log = SigningKey.generate("log")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    vkey = NoteKey("log.test", log.public).vkey()
    serve = [*MAIN, "audit", "witness", "serve", *common, "--log", vkey, "--port", port]
    note = sign_checkpoint(Checkpoint("log.test", 1, leaf_hash(b"one")), [log])
    base = f"http://127.0.0.1:{port}"
    for old, wanted in [(0, 200), (0, 409)]:
        with subprocess.Popen(serve, stderr=subprocess.DEVNULL) as child:
            try:
                _wait_for(base)
                answer = httpx.post(f"{base}/add-checkpoint", content=encode_request(old, [], note))
                assert answer.status_code == wanted
                kept = httpx.get(f"{base}/{sha256_hex(b'log.test')}/checkpoint").content
                assert verify_cosignatures(parse_note(kept), [witness])
            finally:
                child.terminate()
