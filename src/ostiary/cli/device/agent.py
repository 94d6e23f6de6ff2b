"""``ostiary device enrol|report|attest``: what runs on the device itself, or beside a device manager."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.device.looking import Machine
from ostiary.cli.device.probes import Probed, probe
from ostiary.cli.device.state import AgentState, Enrolment, default_folder
from ostiary.cli.device.talking import Server, check_url
from ostiary.cli.device.tpm import DEFAULT_TCTI, open_tpm
from ostiary.cli.output import out, print_json
from ostiary.cli.places import Json
from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.identity.attestation.public import read_key
from ostiary.identity.devices import DeviceRules
from ostiary.identity.devices.challenges import extra_for
from ostiary.identity.devices.collected import Collected
from ostiary.identity.devices.fleet import read_fleet
from ostiary.identity.devices.osquery import EDR_PROCESSES, read_osquery
from ostiary.identity.devices.speaking import Voice
from ostiary.keys import SigningKey, random_bytes
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.unreadable import UNREADABLE

_MAX_INPUT = 64 << 20
State = Annotated[Path | None, Parameter(help="Folder of the agent's key and state. Default: the user's state folder.")]
Tcti = Annotated[str, Parameter(help="How to reach the TPM (a TCTI of tpm2-tss).")]
DryRun = Annotated[bool, Parameter(negative="", help="Show what would be sent, and send nothing.")]


def register(command: App) -> None:
    """Add the agent's sub-verbs."""
    command.command(enrol)
    command.command(report)
    command.command(attest)


def _state(folder: Path | None) -> AgentState:
    return AgentState(folder or default_folder())


def _show(told: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(told)
        return
    why = f" ({', '.join(told['why'])})" if told.get("why") else ""
    out.print(f"{told['device_id']} is {told['standing']}, {told['trust']}{why}", markup=False)


def enrol(
    code: Annotated[
        str,
        Parameter(allow_leading_hyphen=True, help="The one-time code of an administrator; `-` reads it from stdin."),
    ],
    *,
    url: Annotated[str, Parameter(help="Address of the server.")],
    audience: Annotated[str, Parameter(help="The server's public address, where it differs from --url.")] = "",
    name: Annotated[str, Parameter(help="What people call this device.")] = "",
    tpm: Annotated[bool, Parameter(negative="", help="Enrol the TPM's attestation key too.")] = False,
    tcti: Tcti = DEFAULT_TCTI,
    state: State = None,
    json: Json = False,
) -> None:
    """Make a key on this device and enrol it with a one-time code."""
    kept, server, now = _state(state), Server(url), SystemClock().now_ns()
    secret = sys.stdin.readline().strip() if code == "-" else code
    voice = Voice(kept.make_key(), check_url(audience) if audience else server.url)
    told = server.nonce("enrol")
    nonce = str(told["nonce"])
    if tpm:
        with open_tpm(tcti) as opened:
            evidence = opened.quote(extra_for("enrol", nonce, voice.thumbprint), _registers(told))
            message = voice.enrol(secret, nonce, now_ns=now, name=name, evidence=evidence, ak=opened.public)
    else:
        message = voice.enrol(secret, nonce, now_ns=now, name=name)
    made = server.send("enrol", message)
    kept.save(Enrolment(server.url, voice.audience, str(made["tenant"]), str(made["device_id"])))
    _show(made, json=json)


def _registers(told: dict[str, Any]) -> dict[str, list[int]]:
    try:
        return msgspec.convert(told.get("registers"), dict[str, list[int]])
    except msgspec.ValidationError as fault:
        raise UnavailableError("server_unavailable", "the server does not say which registers to quote") from fault


def attest(*, dry_run: DryRun = False, tcti: Tcti = DEFAULT_TCTI, state: State = None, json: Json = False) -> None:
    """Have this device's TPM vouch for it: answer the server's nonce with a quote.

    ``--dry-run`` shows the name of the attestation key, for an invitation that takes no other, and the registers, for
    golden values; it needs no server.
    """
    if dry_run:
        _show_tpm(tcti, json=json)
        return
    kept = _state(state)
    who, voice = kept.enrolment(), kept.voice()
    server = Server(who.url)
    told = server.nonce("attest")
    nonce = str(told["nonce"])
    with open_tpm(tcti) as opened:
        evidence = opened.quote(extra_for("attest", nonce, who.tenant, who.device_id), _registers(told))
    _show(server.send("attest", voice.attest(nonce, evidence, now_ns=SystemClock().now_ns())), json=json)


def _show_tpm(tcti: str, *, json: bool) -> None:
    with open_tpm(tcti) as opened:
        evidence = opened.quote(random_bytes(32), DeviceRules().registers())
        name = read_key(opened.public).name.hex()
    registers = {f"{bank}:{number}": value.hex() for (bank, number), value in evidence.pcrs.items()}
    if json:
        print_json({"attestation_key_name": name, "registers": registers})
        return
    out.print(f"attestation key  {name}", markup=False)
    for register_name, value in registers.items():
        out.print(f"{register_name:16} {value}", markup=False)


def report(
    *,
    dry_run: DryRun = False,
    edr: Annotated[
        tuple[str, ...], Parameter(negative="", help="Process that protects this endpoint, beside the known ones.")
    ] = (),
    osquery: Annotated[Path | None, Parameter(help="Rows of osquery tables, JSON lines, for another device.")] = None,
    fleet: Annotated[Path | None, Parameter(help="A host as Fleet's API tells it, for another device.")] = None,
    device: Annotated[str, Parameter(help="With --osquery or --fleet: the device's id.")] = "",
    producer: Annotated[str, Parameter(help="With --osquery or --fleet: the manager's registered name.")] = "",
    key: Annotated[Path | None, Parameter(help="With --osquery or --fleet: the manager's private key, PEM.")] = None,
    url: Annotated[str, Parameter(help="With --osquery or --fleet: address of the server.")] = "",
    audience: Annotated[str, Parameter(help="The server's public address, where it differs from --url.")] = "",
    tenant: Annotated[str, Parameter(help="With --osquery or --fleet: tenant of the device.")] = "default",
    state: State = None,
    json: Json = False,
) -> None:
    """Report this device's posture, or as a device manager that of another one."""
    now = SystemClock().now_ns()
    if osquery or fleet:
        collected = _collected(osquery, fleet, frozenset(edr), now)
        if dry_run:
            _preview(Probed(collected.posture, {}, collected.os), json=json)
            return
        if not (device and producer and key and url):
            raise FaultyInputError("usage", "a manager's report needs --device, --producer, --key and --url")
        server = Server(url)
        voice = Voice(_key(key), check_url(audience) if audience else server.url, tenant, producer)
        # Milliseconds rise by themselves, so a manager keeps no count for each device.
        message = voice.report(
            collected.posture, now // 1_000_000, now_ns=now, os=collected.os, sub=device, **collected.claims()
        )
        _show(server.send("report", message), json=json)
        return
    probed = probe(Machine(), now, EDR_PROCESSES | {name.lower() for name in edr})
    if dry_run:
        _preview(probed, json=json)
        return
    kept = _state(state)
    message = kept.voice().report(probed.posture, kept.next_sequence(), now_ns=now, os=probed.os)
    _show(Server(kept.enrolment().url).send("report", message), json=json)


def _preview(probed: Probed, *, json: bool) -> None:
    if json:
        print_json(probed)
        return
    for name, value in probed.posture.items():
        out.print(f"{name:16} {value}", markup=False)
    for name, why in probed.untold.items():
        out.print(f"{name:16} not told: {why}", markup=False)
    out.print(f"{'os':16} {probed.os}", markup=False)


def _collected(osquery: Path | None, fleet: Path | None, edr: frozenset[str], now_ns: int) -> Collected:
    if osquery and fleet:
        raise FaultyInputError("usage", "give either --osquery or --fleet")
    text = _text(osquery or fleet or Path())
    if osquery:
        return read_osquery(text.splitlines(), now_ns=now_ns, edr=EDR_PROCESSES | {name.lower() for name in edr})
    try:
        return read_fleet(msgspec.json.decode(text))
    except UNREADABLE as fault:
        raise FaultyInputError("fleet_host_invalid", f"`{fleet}` is no JSON: {fault}") from fault


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_INPUT + 1)
        if len(raw) > _MAX_INPUT:
            raise FaultyInputError("input_too_large", f"`{path}` is longer than {_MAX_INPUT} bytes")
        return raw.decode()
    except (OSError, UnicodeDecodeError) as fault:
        raise FaultyInputError("input_unreadable", f"`{path}` cannot be read as UTF-8 text") from fault


def _key(path: Path) -> SigningKey:
    return SigningKey.from_pem("producer", _text(path).encode())
