"""Writes ``tests/golden/tpm/swtpm.json``: real quotes of swtpm, taken through the agent's own TPM code.

Needs ``swtpm`` on the path and ``tpm2-pytss`` (built against libtss2-dev); neither is needed to run the tests:

    python tools/write_tpm_golden.py

Registers 0, 2, 4, 7 are quoted by three attestation keys (ECDSA, RSASSA, RSAPSS) after register 7 was extended once,
and once more by the first key after the machine was restarted.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from ostiary.cli.device.tpm import open_tpm

OUT = Path(__file__).resolve().parent.parent / "tests" / "golden" / "tpm" / "swtpm.json"
NONCE = bytes(range(32))
REGISTERS = (0, 2, 4, 7)
TEMPLATES = ("ecc:ecdsa-sha256:null", "rsa2048:rsassa-sha256:null", "rsa2048:rsapss-sha256:null")


@contextmanager
def swtpm(state: Path) -> Iterator[str]:
    """Run swtpm on a socket until the block ends; yield its TCTI."""
    program, socket = shutil.which("swtpm"), state / "s.sock"
    if program is None:
        sys.exit("swtpm is not on the path")
    command = [program, "socket", "--tpm2", "--tpmstate", f"dir={state}", "--flags", "startup-clear"]
    command += ["--server", f"type=unixio,path={socket}", "--ctrl", f"type=unixio,path={socket}.ctrl"]
    with subprocess.Popen(command) as process:  # noqa: S603 - a fixed command
        try:
            for _ in range(100):
                if socket.exists():
                    break
                time.sleep(0.05)
            yield f"swtpm:path={socket}"
        finally:
            process.terminate()


def case(tcti: str, template: str, *, extend: bytes = b"") -> dict[str, object]:
    """Quote once and return everything as hex."""
    with open_tpm(tcti, template) as tpm:
        if extend:
            tpm.extend(7, extend)
        evidence = tpm.quote(NONCE, {"sha256": REGISTERS})
        return {
            "template": template,
            "public": tpm.public.hex(),
            "attest": evidence.attest.hex(),
            "signature": evidence.signature.hex(),
            "pcrs": [[bank, number, value.hex()] for (bank, number), value in evidence.pcrs.items()],
        }


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        with swtpm(state) as tcti:
            cases = [case(tcti, TEMPLATES[0], extend=b"a boot policy")]
            cases += [case(tcti, template) for template in TEMPLATES[1:]]
        with swtpm(state) as tcti:
            cases.append(case(tcti, TEMPLATES[0]))
    said = subprocess.run(["swtpm", "--version"], capture_output=True, text=True, check=True)  # noqa: S607
    made_by = [said.stdout.splitlines()[0], f"tpm2-pytss {version('tpm2-pytss')}"]
    OUT.write_text(json.dumps({"made_by": made_by, "nonce": NONCE.hex(), "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
