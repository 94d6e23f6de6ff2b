"""The line to the database: TLS to a real server, checked; and the way of every list through its index."""

import asyncio
import datetime as dt
import ipaddress
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from backends import empty_database
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ostiary.errors import UnavailableError
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.postgres.statements import Scope, known
from ostiary.storage.postgres.store import open_store
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.postgres import PostgresServer

NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "database")])


def certificate(key: ec.EllipticCurvePrivateKey, *names: x509.GeneralName) -> bytes:
    begun = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(begun)
        .not_valid_after(begun + dt.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.KeyUsage(*[True] * 1, *[False] * 4, *[True] * 2, *[False] * 2), critical=True)
    )
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def asked(url: str, *statements: str) -> None:
    async def work() -> None:
        line = await asyncpg.connect(url, ssl=False)
        for one in statements:
            await line.execute(one)
        await line.close()

    asyncio.run(work())


@pytest.fixture
def serve(postgres_15: PostgresServer, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Give the server a certificate for some names; return the file that tells of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    def begin(*names: x509.GeneralName) -> str:
        told = certificate(key, *names)
        for name, content in (("server.crt", told), ("server.key", secret)):
            place = postgres_15._data / name
            place.write_bytes(content)
            place.chmod(0o600)
            owner = postgres_15._data.stat()
            os.chown(place, owner.st_uid, owner.st_gid)
        asked(postgres_15.dsn(), "ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()")
        (tmp_path / "ca.pem").write_bytes(told)
        return str(tmp_path / "ca.pem")

    yield begin
    asked(postgres_15.dsn(), "ALTER SYSTEM RESET ssl", "SELECT pg_reload_conf()")


def test_a_server_with_its_own_certificate_is_talked_to(postgres_15: PostgresServer, serve: Callable[..., str]) -> None:
    authority = serve(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    url = f"{empty_database(postgres_15)}?sslmode=verify-full&sslrootcert={authority}"
    with open_store(PostgresPlace(url), FakeClock()) as store:
        store.snapshots.save("acme", "k", "n", b"x", 1)
        assert store.database._writer.connection._transport.get_extra_info("ssl_object") is not None


@pytest.mark.parametrize("way", ["another name", "an unknown authority"])
def test_whoever_is_not_the_server_is_not_talked_to(
    postgres_15: PostgresServer, serve: Callable[..., str], way: str, tmp_path: Path
) -> None:
    authority = serve(x509.DNSName("db.example") if way == "another name" else x509.DNSName("127.0.0.1"))
    if way == "an unknown authority":
        other = ec.generate_private_key(ec.SECP256R1())
        serve(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        (tmp_path / "ca.pem").write_bytes(certificate(other, x509.DNSName("x")))
    url = f"{postgres_15.dsn('ann', 'secret')}?sslmode=verify-full&sslrootcert={authority}"
    with pytest.raises(UnavailableError, match="SSLCertVerificationError"):
        open_store(PostgresPlace(url), FakeClock())


def test_every_filter_has_its_way_through_the_table(stores: Callable[[str], Any]) -> None:
    """A page deep in a long list must not walk through what is newer, nor sort what it finds."""
    database = stores("postgres_18").database
    line = database._writer
    database._run(line.tell(Scope("acme")))
    database._run(line.connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off"))
    for name, one in known().items():
        column = name.partition("_decisions_by_")[2]
        if not name.startswith(("newest_decisions", "oldest_decisions")):
            continue
        numbers = {"first", "last", "since", "until", "limit", "effects", "risk", "by_effect", "by_risk_band"}
        told = {key: 1 if key in numbers else None for key in one.names} | {"tenant": "acme"}
        told[f"by_{column}"] = "acme" if f"by_{column}" not in numbers else 1
        rows = database._run(line.connection.fetch("EXPLAIN " + one.sql, *one.values(told)))
        plan = "\n".join(row[0] for row in rows)
        index = "decision_index_pkey" if column == "tenant" else f"decision_index_by_{column}"
        assert re.search(rf"Index Scan (Backward )?using {index} ", plan), f"{name}\n{plan}"
        assert "Sort" not in plan, f"{name}\n{plan}"
