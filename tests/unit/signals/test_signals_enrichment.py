from pathlib import Path

import msgspec
import pytest

from ostiary.errors import FaultyInputError
from ostiary.signals.actions import class_of
from ostiary.signals.enrichment import Enricher, agent_of
from ostiary.signals.inventory import Catalogue
from ostiary.signals.network import network_of
from ostiary.signals.places import Place, Places
from ostiary.vocabulary.events import AccessEvent, ActionClass

BARE = AccessEvent("1", "default", 0, "ann", "GetObject", "bucket", "reports/x", ip="8.8.8.8", user_agent="curl/8.0")
CATALOGUE = Catalogue.parse(
    b"resources: [{type: bucket, id: 'reports/*', sensitivity: 2, labels: [pii]}]\n"
    b"subjects: [{type: user, id: ann, groups: [dev], tz_offset_min: -300}]\n"
)


def test_everything_left_out_is_looked_up() -> None:
    event = Enricher(CATALOGUE).enrich(BARE)
    assert (event.country, event.ua_family, event.ua_os) == ("US", "curl", None)
    assert (event.sensitivity, event.labels, event.groups, event.tz_offset_min) == (2, ("pii",), ("dev",), -300)
    assert event.action_class is ActionClass.READ


def test_what_the_event_tells_is_kept() -> None:
    told = msgspec.structs.replace(
        BARE, country="NZ", asn=7, ua_family="Mine", sensitivity=0, labels=("own",), groups=("ops",), tz_offset_min=0,
        action_class=ActionClass.ADMIN,
    )  # fmt: skip
    assert Enricher(CATALOGUE).enrich(told) == told


def test_pure() -> None:
    one, other = Enricher(CATALOGUE), Enricher(CATALOGUE)
    assert one.enrich(BARE) == one.enrich(BARE) == other.enrich(BARE)


@pytest.mark.parametrize(
    ("ip", "prefix", "kind"),
    [
        ("8.8.8.8", "8.8.8.0/24", "public"),
        ("::ffff:8.8.8.8", "8.8.8.0/24", "public"),
        ("2001:4860:4860::8888", "2001:4860:4860::/48", "public"),
        ("10.1.2.3", "10.1.2.0/24", "private"),
        ("fe80::1%eth0", "fe80::/48", "private"),
        ("127.0.0.1", "127.0.0.0/24", "loopback"),
        ("224.0.0.1", "224.0.0.0/24", "other"),
        ("", None, "invalid"),
        ("8.8.8.8; drop table", None, "invalid"),
        ("1" * 500, None, "invalid"),
    ],
)
def test_networks(ip: str, prefix: str | None, kind: str) -> None:
    assert network_of(ip) == (prefix, kind)


def test_private_addresses_have_no_country() -> None:
    assert Places().of("10.0.0.1") == Place(None, None)
    assert Places().of("nonsense") == Place(None, None)
    assert Places().of("::ffff:8.8.8.8").country == "US"


def test_trusted_networks() -> None:
    enricher = Enricher(trusted=("10.0.0.0/8", "2001:db8::/32"))
    assert enricher.trusts("10.9.9.9")
    assert enricher.trusts("2001:db8::1")
    assert not enricher.trusts("8.8.8.8")
    assert not enricher.trusts("nonsense")


@pytest.mark.parametrize("trusted", ["10.0.0.0/99", "x", "10.0.0.1/8"])
def test_a_wrong_trusted_network_is_refused(trusted: str) -> None:
    with pytest.raises(FaultyInputError) as caught:
        Enricher(trusted=(trusted,))
    assert caught.value.code == "network_malformed"


def test_a_broken_mmdb_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.mmdb"
    path.write_bytes(b"no database")
    for place in (path, tmp_path / "absent.mmdb"):
        with pytest.raises(FaultyInputError) as caught:
            Enricher(mmdb=(place,))
        assert caught.value.code == "mmdb_malformed"


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", ("Firefox", "Linux")),
        ("aws-cli/2.15.0 Python/3.11.6 Linux/5.10", ("aws-cli", "Linux")),
        ("terraform-thing/1.0", ("terraform-thing", None)),
        ("\n\x1b[2J", ("unknown", None)),
        ("x" * 100_000, ("x" * 40, None)),
    ],
)
def test_clients(agent: str, family: tuple[str, str | None]) -> None:
    found = agent_of(agent)
    assert found[1] == family[1]
    assert found[0] == family[0] or "\ufffd" in found[0]


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("s3:GetObject", "read"), ("s3:ListBuckets", "list"), ("DeleteDBInstance", "delete"),
        ("iam:CreateUser", "admin"),
        ("iam:AttachRolePolicy", "admin"), ("iam:CreateAccessKey", "admin"), ("ConsoleLogin", "authenticate"),
        ("sts:AssumeRoleWithSAML", "authenticate"), ("storage.objects.get", "read"), ("SELECT", "read"),
        ("DROP TABLE x", "delete"), ("git push", "write"), ("push", "write"), ("clone", "export"),
        ("exportData", "export"),
        ("login", "authenticate"), ("", "other"), ("::", "other"), ("éà", "other"), ("x" * 100_000, "other"),
        ("can_read", "read"), ("read_only_user", "read"), ("PutBucketPolicy", "admin"), ("query", "read"),
    ],
)  # fmt: skip
def test_actions(action: str, kind: str) -> None:
    assert str(class_of(action)) == kind
