import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from ostiary.errors import FaultyInputError
from ostiary.server.settings import Settings, load
from ostiary.server.settings.feed import FeedSection
from ostiary.server.settings.load import documented, schema
from ostiary.server.settings.rollout import GateSection, LowRiskGate
from ostiary.server.settings.words import texts


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        inner = [field.annotation, *getattr(field.annotation, "__args__", ())]
        for kind in inner:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from models(kind)


@pytest.mark.parametrize("model", list(models(Settings)), ids=lambda m: m.__name__)
def test_every_model_refuses_unknown_keys_and_is_frozen(model: type[BaseModel]) -> None:
    assert model.model_config["extra"] == "forbid"
    assert model.model_config["frozen"] is True


@pytest.mark.parametrize(
    "toml",
    [
        "[server]\nprot = 1",
        "[sever]\nport = 1",
        "[audit.retention]\ndays = 1",
        "[[identity.issuers]]\nissuer='https://i'\naudience='a'\njwks_path='x'\nscope='y'",
        "port = 1",
    ],
)
def test_unknown_keys_are_errors_at_every_depth(tmp_path: Path, toml: str) -> None:
    file = tmp_path / "ostiary.toml"
    file.write_text(toml)
    with pytest.raises(FaultyInputError, match="is no known setting"):
        load(file, environ={})


@pytest.mark.parametrize("name", ["OSTIARY_SERVER__PROT", "OSTIARY_AUDIT__RETENTION__DAYS", "OSTIARY_SEVER__PORT"])
def test_unknown_variables_are_errors(name: str) -> None:
    with pytest.raises(FaultyInputError):
        load(None, environ={name: "1"})


def test_other_variables_of_ours_are_left_alone() -> None:
    assert load(None, environ={"OSTIARY_DATA": "/x", "PATH": "/bin"}).settings == Settings()


def test_later_sources_win_and_origins_are_told(tmp_path: Path) -> None:
    file = tmp_path / "ostiary.toml"
    file.write_text('[server]\nport = 1000\nhost = "::1"\ndeadline_ms = 7\n')
    loaded = load(
        file,
        environ={"OSTIARY_SERVER__PORT": "2000", "OSTIARY_SERVER__HOST": "0.0.0.0"},  # noqa: S104
        options={"server": {"port": 3000}},
    )
    assert (loaded.settings.server.port, loaded.settings.server.host, loaded.settings.server.deadline_ms) == (
        3000,
        "0.0.0.0",  # noqa: S104
        7,
    )
    origins = {row["key"]: row["origin"] for row in loaded.rows()}
    assert origins["server.port"] == "command line"
    assert origins["server.host"] == "environment OSTIARY_SERVER__HOST"
    assert origins["server.deadline_ms"] == str(file)
    assert origins["server.threads"] == "default"


def test_secrets_come_from_files_and_are_masked(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cr3t-value\n")
    loaded = load(None, environ={"OSTIARY_POLICY__TOKEN_FILE": str(secret)})
    assert loaded.settings.policy.token.get_secret_value() == "s3cr3t-value"
    assert "s3cr3t-value" not in repr(loaded) + str(list(loaded.rows()))
    assert loaded.origins["policy.token"] == f"file {secret}"


def test_errors_never_show_a_value() -> None:
    with pytest.raises(FaultyInputError) as caught:
        load(None, environ={"OSTIARY_POLICY__TOKEN": "hunter2", "OSTIARY_POLICY__TIMEOUT_MS": "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"policy": {"token": "a", "token_file": "b"}},
        {"policy": {"token_file": "/nowhere"}},
        {"policy": {"engine": "remote"}},
        {"server": {"tls_cert": "a"}},
        {"server": {"client_ca": "a"}},
        {"server": {"trusted_proxies": ["10.0.0.1/8"]}},
        {"server": {"port": 70000}},
        {"identity": {"issuers": [{"issuer": "i", "audience": "a"}]}},
    ],
)
def test_contradictions_are_errors(options: dict[str, Any]) -> None:
    with pytest.raises(FaultyInputError) as caught:
        load(None, environ={}, options=options)
    assert caught.value.code == "config_invalid"


def test_a_broken_file_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "ostiary.toml"
    file.write_text("[server")
    with pytest.raises(FaultyInputError, match="is not TOML"):
        load(file, environ={})


def test_schema_rows_and_docs_know_the_same_settings(repo: Path) -> None:
    keys = [row["key"] for row in load(None, environ={}).rows()]
    told = list(documented())
    assert [row["key"] for row in told] == keys
    assert all(row["text"] for row in told)
    assert set(schema()["properties"]) == {key.partition(".")[0] for key in keys}


def test_the_reference_page_is_what_the_schema_says(repo: Path) -> None:
    page = (repo / "docs/reference/configuration.md").read_text("utf-8")
    rows = [f"| `{row['key']}` | `{row['default'] or '-'}` | {row['text']} |" for row in documented()]
    missing = [row for row in rows if row not in page]
    assert missing == [], "run `python tools/write_config_docs.py`"
    assert page.count("\n| `") == len(rows)


def test_the_schema_holds_the_texts_and_repeats_none() -> None:
    told = schema()
    assert told["$defs"]["FeedSection"]["properties"]["ring"]["description"] == texts(FeedSection)["ring"]
    assert told["properties"]["ssf"]["description"] == texts(Settings)["ssf"]
    assert texts(Settings)["server"] == told["$defs"]["ServerSection"]["description"]
    assert "description" not in told["properties"]["server"], "it would only repeat what the section says of itself"


def test_a_setting_declared_again_has_the_text_given_there() -> None:
    class Again(LowRiskGate):
        __module__ = LowRiskGate.__module__  # where its words are looked for; it has none there
        days: float = 1

    assert texts(LowRiskGate).keys() == GateSection.model_fields.keys()
    assert texts(Again).keys() == GateSection.model_fields.keys() - {"days"}


def test_what_is_not_needed_to_read_settings_is_not_imported() -> None:
    """The reader of variables and the signals take longer to import than all settings; most commands want neither."""
    code = "import sys, ostiary.server.settings as s; s.load(None, environ={}); print(*sys.modules)"
    environ = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert not {"pydantic_settings", "ostiary.signals.features", "pyarrow"} & set(done.stdout.split())
