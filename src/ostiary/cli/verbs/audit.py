"""``ostiary audit``: verify the log, prove one record, export, show the checkpoint, witness and be witnessed.

``verify`` and ``receipt`` exit with 5 when anything is wrong, and name the attack and the entry.
"""

import sys
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import App, Parameter

from ostiary.audit.exporting import export_log
from ostiary.audit.log import open_row
from ostiary.audit.retention import RetentionPolicy
from ostiary.audit.retention import prune as prune_tenant
from ostiary.audit.verifier import Verifier
from ostiary.audit.verifier.memory import save_memory
from ostiary.audit.verifier.pack import is_pack
from ostiary.audit.verifier.receipt import verify_receipt
from ostiary.audit.verifier.signed import origin_of
from ostiary.cli.auditing import memory_place, pack, verify_one
from ostiary.cli.output import err, out, print_json
from ostiary.cli.places import Config, Data, Json, Tenant, open_data
from ostiary.cli.verifying import memory_of, read_bytes, show, source_of, told, vkeys_of, witnessed_by
from ostiary.cli.witnessing import command as witness_command
from ostiary.errors import FaultyInputError
from ostiary.server.places import Places, data_dir

_FAILED: Final = 5
_KEEP_PARTS: Final = 2

command = App(name="audit", help="The transparency log: verify it, prove records, export it, have it witnessed.")
command.command(witness_command)
command.command(pack)

Keys = Annotated[
    tuple[str, ...], Parameter(name="--key", negative="", help="The log's verifier key, or a file with some.")
]
WitnessKeys = Annotated[
    tuple[str, ...], Parameter(name="--witness-key", negative="", help="Verifier key of a witness that you trust.")
]
Need = Annotated[int, Parameter(help="How many witnesses must have cosigned the checkpoint.")]


@command.command
def verify(
    source: Annotated[
        str | None, Parameter(help="Address or folder of tile files, or a pack. Default: the data directory.")
    ] = None,
    *,
    data: Data = None,
    remember: Annotated[
        Path | None, Parameter(help="Where this log is remembered. Default: your state folder.")
    ] = None,
    forget: Annotated[bool, Parameter(negative="", help="Look only: neither read nor write a memory.")] = False,
    checkpoint: Annotated[Path | None, Parameter(help="Compare with a checkpoint that somebody else kept.")] = None,
    key: Keys = (),
    witness: Annotated[
        tuple[str, ...], Parameter(negative="", help="Address of a witness whose checkpoints are compared.")
    ] = (),
    witness_key: WitnessKeys = (),
    need: Need = 0,
    payloads: Annotated[bool, Parameter(help="Open payloads and compare them with what was recorded.")] = True,
    json: Json = False,
) -> None:
    """Verify the whole log against what was remembered and witnessed; the first visit trusts what it sees.

    A pack for auditors is verified offline, and is what it says only if not one byte of it was changed.
    """
    keys = vkeys_of(key)
    if source is not None and is_pack(Path(source)):
        place = None if forget else memory_place(Path(source), remember)
        verify_one(Path(source), keys, vkeys_of(witness_key), need, place, json=json)
        return
    with source_of(source, Places(data_dir(data)), payloads=payloads) as log:
        place, memory = (None, None) if forget else memory_of(log, remember, checkpoint, keys)
        witnessed = witnessed_by(witness, origin_of(log.checkpoint())) if witness else []
        verifier = Verifier(
            log, memory, keys=keys, witnesses=vkeys_of(witness_key), need=need, witnessed=witnessed, payloads=payloads
        )
        learned = verifier.run()
    remembered = learned is not None and place is not None and checkpoint is None
    if remembered and learned is not None and place is not None:
        save_memory(place, learned)
    if json:
        print_json(told(verifier.report, place, remembered=remembered))
    else:
        show(verifier.report, place, remembered=remembered)
    if not verifier.report.verified:
        sys.exit(_FAILED)


@command.command
def receipt(
    file: Annotated[Path, Parameter(help="A receipt that `audit prove` wrote.")],
    *,
    key: Keys,
    witness_key: WitnessKeys = (),
    need: Need = 0,
    json: Json = False,
) -> None:
    """Verify one receipt offline, with nothing but the log's key."""
    proved = verify_receipt(read_bytes(file), vkeys_of(key), vkeys_of(witness_key), need)
    if json:
        print_json(proved)
    else:
        entry = proved.entry
        out.print(f"{entry.id} ({entry.kind}) is entry {proved.index} of {proved.origin}", markup=False)
        out.print("verified", style="green")


@command.command
def prove(
    record_id: Annotated[str, Parameter(help="The record, such as a decision id.")],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    out_file: Annotated[Path | None, Parameter(name="--out", help="Write the receipt here.")] = None,
    json: Json = False,
) -> None:
    """Write the receipt of one record: an offline proof that it is in the log (C2SP tlog-proof)."""
    with open_data(data, config) as house:
        proof = house.log.prove(tenant, record_id)
        keys = [one.vkey() for one in house.log.public_keys()]
    if proof is None:
        raise FaultyInputError("record_unknown", f"there is no record `{record_id[:80]}`")
    if out_file is not None:
        out_file.write_bytes(proof.text())
    if json:
        print_json({"id": record_id, "index": proof.index, "keys": keys, "receipt": proof.text().decode()})
    elif out_file is None:
        sys.stdout.write(proof.text().decode())
    else:
        out.print(f"written to {out_file}; verify it with the key {keys[0]}", markup=False)


@command.command
def export(
    folder: Annotated[Path, Parameter(help="Where to write; a later export adds what is new.")],
    *,
    data: Data = None,
    config: Config = None,
    payloads: Annotated[bool, Parameter(negative="", help="Also write the payloads: personal data.")] = False,
    json: Json = False,
) -> None:
    """Write the log as tile files that any tlog client reads."""
    with open_data(data, config) as house:
        opener = (lambda row: open_row(house.vault, row)) if payloads else None
        exported = export_log(house.store, house.log.public_keys(), folder, opener)
    if json:
        print_json(exported)
    else:
        out.print(f"{exported.size:,} entries written to {exported.folder}", markup=False)


@command.command
def checkpoint(*, data: Data = None, config: Config = None, json: Json = False) -> None:
    """Show the newest signed checkpoint and the log's verifier keys."""
    with open_data(data, config) as house:
        head, keys = house.log.head(), [one.vkey() for one in house.log.public_keys()]
    if json:
        print_json(
            {
                "origin": head.origin,
                "size": head.size,
                "root": head.root.hex(),
                "keys": keys,
                "checkpoint": head.checkpoint.decode(),
            }
        )
    else:
        sys.stdout.write(head.checkpoint.decode())
        for text in keys:
            err.print(f"key {text}", markup=False, style="dim")


@command.command
def prune(
    *,
    keep: Annotated[tuple[str, ...], Parameter(negative="", help="KIND=DAYS, such as decision=365.")],
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Erase payloads older than so many days; entries and proofs stay, and the erasure is on record."""
    policy = RetentionPolicy(dict(map(_kept, keep)))
    with open_data(data, config) as house:
        erased = prune_tenant(house.log, house.clock, tenant, policy)
    if json:
        print_json(msgspec.to_builtins(erased))
    else:
        out.print(f"{erased.count:,} payloads erased", markup=False)


def _kept(text: str) -> tuple[str, int]:
    parts = text.split("=")
    if len(parts) != _KEEP_PARTS or not parts[1].isdigit():
        raise FaultyInputError("retention_invalid", f"`{text[:80]}` is not KIND=DAYS")
    return parts[0], int(parts[1])
