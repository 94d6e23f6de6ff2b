"""The stage: a data directory with a simulated organisation in it, ready for ``ostiary up``.

- Thirty days of simulated history, a catalogue of who and what there is, an issuer of tokens.
- A directory that holds anything else is refused; a stage that was made before is used again while it is fresh.
- The organisation is made so that it is two in the morning where Dana lives *now*: a server stamps the time itself.
"""

from pathlib import Path
from typing import Any, Final, Self

import msgspec

from ostiary.cli.demo.teller import Teller
from ostiary.errors import RefusedError
from ostiary.identity.traits import traits_of
from ostiary.keys import ES256, RS256, SigningKey
from ostiary.keys.files import private_folder, read_private, write_private
from ostiary.server.places import DEFAULT_TENANT, Places
from ostiary.signals import eventfile
from ostiary.testing.issuer import FakeIssuer, FakeKey
from ostiary.testing.organisation import Organisation
from ostiary.testing.workloads import FakeGithub
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.facts import TokenFacts

ISSUER: Final = "https://id.example.org"
AUDIENCE: Final = "ostiary"
TOLD_BY_TOKENS: Final = ("sid", "client_id", "acr", "amr", "auth_time")
TARGET: Final = ("database", "prod/customers")
_KID: Final = "demo-issuer"
_HISTORY: Final = "simulated-history.jsonl"
_CI: Final = "demo-ci"
_KEY: Final = "demo-issuer.pem"
_JWKS: Final = "demo-issuer.jwks.json"
_FRESH_NS: Final = 3_600 * 10**9
_SETTINGS: Final = """\
# Made by `ostiary demo`. Everything in this directory is simulated.
[[identity.issuers]]
issuer = "{issuer}"
audience = "{audience}"
jwks_path = "{jwks}"

[[identity.workloads]]
kind = "github"
audience = "{audience}"
jwks_path = "{ci}"
rules = [{{name = "models", repository_id = "42", repository_owner_id = "9919"}}]

[devices]
interval_s = 0 # a story has no time to wait between two reports

[datasets]
roots = ["{lake}"]

[training]
memory_mib = 512
wall_s = 60
"""


class Playbill(msgspec.Struct, frozen=True):
    """What a stage says of itself, in ``demo.json``."""

    simulated: bool
    until_ns: int
    people: int
    days: int
    events: int


class Stage:
    """A prepared data directory."""

    def __init__(self, places: Places, playbill: Playbill, issuer: FakeIssuer) -> None:
        """Take where it lies, what it says of itself, and who signs its people's tokens."""
        self.places = places
        self.playbill = playbill
        self.issuer = issuer
        self.organisation = _organisation(playbill.until_ns, playbill.people, playbill.days, issuer)

    @classmethod
    def open(cls, root: Path, clock: Clock, people: int, days: int) -> Self:
        """Return the stage in ``root``, made when it is not there yet.

        Raises:
            RefusedError: ``demo_directory_in_use``, ``demo_too_old``.
        """
        places = Places(root)
        file = root / "demo.json"
        if not file.exists():
            return cls._make(places, clock, people, days)
        playbill = msgspec.json.decode(file.read_bytes(), type=Playbill)
        if clock.now_ns() - playbill.until_ns > _FRESH_NS:
            text = (
                f"the demo in `{root}` is more than an hour old, and it is no longer night there: name another --data"
            )
            raise RefusedError("demo_too_old", text)
        return cls(places, playbill, _issuer(SigningKey.from_pem(_KID, read_private(root / _KEY))))

    @classmethod
    def _make(cls, places: Places, clock: Clock, people: int, days: int) -> Self:
        root = places.root
        if root.exists() and any(root.iterdir()):
            raise RefusedError("demo_directory_in_use", f"`{root}` is not empty and holds no demo: name another --data")
        private_folder(root)
        issuer = _write_issuer(root)
        organisation = _organisation(clock.now_ns(), people, days, issuer)
        _write_catalogue(places.catalogue(DEFAULT_TENANT), organisation.catalogue_document())
        events = eventfile.write(root / _HISTORY, organisation.history())
        playbill = Playbill(simulated=True, until_ns=organisation.until_ns, people=people, days=days, events=events)
        write_private(root / "demo.json", msgspec.json.encode(playbill))
        return cls(places, playbill, issuer)

    @property
    def history(self) -> Path:
        """Where the imported history lies."""
        return self.places.history(DEFAULT_TENANT)

    def furnish(self, teller: Teller) -> None:
        """Import the history and train the model, unless that was done before."""
        if self.places.model(DEFAULT_TENANT).exists():
            return
        data = str(self.places.root)
        teller.act("Thirty days of a simulated organisation")
        teller.run("import", "events", "import", "--format", "ostiary", f"{data}/{_HISTORY}", "--data", data)
        teller.act("A model of what is usual, learned from them without labels")
        teller.run("train", "risk", "train", "--data", data, "--events", str(self.history), "--rounds", "2")


def lake_of(root: Path) -> Path:
    """Return where a stage's datasets lie: beside the data directory, which is the server's own."""
    return root.resolve().with_name(f"{root.resolve().name}-lake")


def _organisation(until_ns: int, people: int, days: int, issuer: FakeIssuer) -> Organisation:
    """Return the organisation; its people come with tokens like those that the play will ask for."""
    told: dict[str, Any] = dict.fromkeys(TOLD_BY_TOKENS)
    claims = issuer.claims(until_ns, **told)
    traits = traits_of(issuer.header(), claims, b"")
    tokens = TokenFacts(
        lifetime_s=float(claims["exp"] - claims["iat"]),
        bound=False,
        audience=traits.audience,
        algorithm=traits.algorithm,
        key_id=traits.key_id,
        claims=traits.shape,
        scopes_granted=0,
        delegation_depth=0,
        clock_skew_s=0.0,
    )
    return Organisation(until_ns=until_ns, people=people, days=days, tenant=DEFAULT_TENANT, tokens=tokens)


def _write_catalogue(path: Path, document: dict[str, Any]) -> None:
    # The story is about a secret database (3) that a developer's role reaches; the organisation has it as crown jewel.
    for entry in document["resources"]:
        if (entry["type"], entry["id"]) == TARGET:
            entry.update(sensitivity=3, critical=False)
    private_folder(path.parent)
    write_private(path, msgspec.json.format(msgspec.json.encode(document), indent=1))  # JSON is YAML


def _issuer(key: SigningKey) -> FakeIssuer:
    return FakeIssuer(ISSUER, DEFAULT_TENANT, AUDIENCE, (FakeKey(key, key.public.jwk()),))


def ci_of(root: Path) -> FakeGithub:
    """Return the CI platform of a stage, which signs its jobs' tokens."""
    key = SigningKey.from_pem(_CI, read_private(root / f"{_CI}.pem"))
    return FakeGithub(audience=AUDIENCE, keys=(FakeKey(key, key.public.jwk()),))


def _write_ci(root: Path) -> Path:
    """Make the CI platform, and return where its public keys stand."""
    write_private(root / f"{_CI}.pem", SigningKey.generate(_CI, RS256).private_pem())
    jwks = root / f"{_CI}.jwks.json"
    write_private(jwks, ci_of(root).jwks().inline.encode())
    return jwks


def _write_issuer(root: Path) -> FakeIssuer:
    issuer = _issuer(key := SigningKey.generate(_KID, ES256))
    jwks = root / _JWKS
    write_private(root / _KEY, key.private_pem())
    write_private(jwks, msgspec.json.encode({"keys": [dict(each.jwk) for each in issuer.keys]}))
    settings = _SETTINGS.format(
        issuer=ISSUER, audience=AUDIENCE, jwks=jwks.resolve(), lake=lake_of(root), ci=_write_ci(root).resolve()
    )
    write_private(root / "ostiary.toml", settings.encode())
    return issuer
