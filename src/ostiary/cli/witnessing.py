"""``ostiary audit witness``: be a witness for other logs, and have your own log witnessed.

A witness belongs on a machine where whoever runs the log has no rights: that is its whole worth.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from ostiary.audit.tlog.notes import ED25519, NoteKey, parse_vkey
from ostiary.audit.witness import Witness, add_peer, peer_of, read_peers
from ostiary.audit.witness.book import WitnessBook
from ostiary.audit.witness.rounds import cosign_now
from ostiary.audit.witness_http import WitnessApp
from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, open_data
from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.keys import KeyRing, SigningKey
from ostiary.server.places import data_dir
from ostiary.vocabulary.clock import SystemClock

_OWNER: Final = "system"
_PURPOSE: Final = "witness"
_NOBODY_COSIGNED: Final = 1

command = App(name="witness", help="Be a witness of other logs, or have this log witnessed (C2SP tlog-witness).")

State = Annotated[Path, Parameter(help="Folder of the witness's key and memory; nobody else's business.")]
Name = Annotated[str, Parameter(help="The witness's name in cosignatures, such as witness.example.com/w1.")]


@command.command
def serve(
    *,
    name: Name,
    state: State,
    log: Annotated[tuple[str, ...], Parameter(negative="", help="Verifier key of a log to witness; more than once.")],
    host: Annotated[str, Parameter(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port to listen on.")] = 8182,
) -> None:
    """Serve a witness: cosign checkpoints of the given logs as long as their history only grows."""
    try:
        import uvicorn  # noqa: PLC0415 - only the extra `server` brings it
    except ImportError as fault:
        raise UnavailableError("extra_missing", "a witness needs the server: pip install 'ostiary[server]'") from fault
    witness = Witness(name, _key(state), logs_of(log), WitnessBook(state / "book"), SystemClock())
    err.print(f"witness {witness.key.vkey()} on http://{host}:{port}", markup=False)
    uvicorn.run(WitnessApp(witness), host=host, port=port, log_level="warning", server_header=False)


@command.command
def key(*, name: Name, state: State) -> None:
    """Show the witness's verifier key, made on first use."""
    sys.stdout.write(NoteKey(name, _key(state).public, 4).vkey() + "\n")


@command.command
def add(
    url: Annotated[str, Parameter(help="Address of the witness.")],
    vkey: Annotated[str, Parameter(help="Its verifier key.")],
    *,
    data: Data = None,
    json: Json = False,
) -> None:
    """Have this log witnessed by one more witness."""
    peers = add_peer(data_dir(data), peer_of(url, vkey))
    if json:
        print_json([{"url": peer.url, "key": peer.key.vkey()} for peer in peers])
    else:
        out.print(f"{len(peers)} witnesses", markup=False)


@command.command(name="list")
def list_(*, data: Data = None, json: Json = False) -> None:
    """List the witnesses of this log."""
    rows = [{"name": peer.key.name, "url": peer.url, "key": peer.key.vkey()} for peer in read_peers(data_dir(data))]
    if json:
        print_json(rows)
    else:
        print_table("witnesses", ["name", "url", "key"], rows)


@command.command
def cosign(*, data: Data = None, config: Config = None, json: Json = False) -> None:
    """Take the newest checkpoint to every witness now and keep their cosignatures."""
    with open_data(data, config) as house:
        delivery = cosign_now(house.places.root, house.store)
    if delivery is None:
        raise FaultyInputError("witness_missing", "this log has no witness yet: `ostiary audit witness add`")
    if json:
        print_json(delivery)
    else:
        for name, why in delivery.failed.items():
            err.print(f"{name}: {why}", markup=False, style="yellow")
        asked = len(delivery.cosigned) + len(delivery.failed)
        out.print(f"{len(delivery.cosigned)} of {asked} cosigned {delivery.size:,} entries", markup=False)
    if not delivery.cosigned:
        sys.exit(_NOBODY_COSIGNED)


def logs_of(vkeys: Sequence[str]) -> dict[str, list[NoteKey]]:
    """Return the logs to witness: their keys by origin.

    Raises:
        FaultyInputError: ``vkey_malformed``, or ``witness_invalid`` for a key that signs no checkpoints.
    """
    logs: dict[str, list[NoteKey]] = {}
    for text in vkeys:
        found = parse_vkey(text)
        if found.kind != ED25519:
            raise FaultyInputError("witness_invalid", f"`{found.name}` is no log key: it must have type 1")
        logs.setdefault(found.name, []).append(found)
    return logs


def _key(state: Path) -> SigningKey:
    return KeyRing(state / "keys", SystemClock()).active(_OWNER, _PURPOSE)
