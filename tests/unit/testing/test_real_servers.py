"""The real servers that other tests stand on: they start, forget nothing they promised, and go."""

import asyncio
from pathlib import Path

import asyncpg
import valkey

from ostiary.testing.postgres import PostgresServer
from ostiary.testing.valkey import ValkeyServer


async def _version(url: str) -> int:
    line = await asyncpg.connect(url)
    try:
        return int(line.get_server_version().major)
    finally:
        await line.close()


def test_postgres_18_answers_from_an_empty_database(postgres_url: str) -> None:
    assert asyncio.run(_version(postgres_url)) == 18


def test_debians_postgres_answers(postgres_15: PostgresServer) -> None:
    assert asyncio.run(_version(postgres_15.dsn())) >= 15


def test_valkey_starts_again_on_its_port(tmp_path: Path) -> None:
    with ValkeyServer(tmp_path / "valkey", None, "--appendonly", "yes", "--appendfsync", "always") as server:
        with valkey.Valkey.from_url(server.url) as client:
            client.set("kept", "yes")
        server.stop()
        server.start()
        with valkey.Valkey.from_url(server.url) as client:
            assert client.get("kept") == b"yes"


def test_valkey_is_empty_for_each_test(valkey_url: str) -> None:
    with valkey.Valkey.from_url(valkey_url) as client:
        assert client.dbsize() == 0
