"""The settings of providers: what is refused before a server starts, and that no secret is shown."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.errors import FaultyInputError
from ostiary.server.settings import load

CORP = {"name": "corp", "issuer": "https://idp.example", "client_id": "ostiary"}


def loaded(*providers: dict[str, Any]) -> Any:
    return load(None, environ={}, options={"console": {"oidc": list(providers)}})


def test_a_secret_is_never_shown() -> None:
    told = loaded({**CORP, "client_secret": "hush"})
    assert "hush" not in str(list(told.rows()))
    assert "hush" not in repr(told.settings)
    assert told.settings.console.oidc[0].provider(allow_loopback_http=False).secret() == "hush"


def test_a_secret_in_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("one\n")
    secret = loaded({**CORP, "client_secret_file": str(file)}).settings.console.oidc[0]
    assert secret.provider(allow_loopback_http=False).secret() == "one"


@pytest.mark.parametrize(
    "providers",
    [
        [{**CORP, "name": "Corp"}],
        [{**CORP, "issuer": "idp.example"}],
        [{**CORP, "subject_claim": "name"}],
        [{**CORP, "roles": [{"claim": "groups", "value": "a", "roles": ["root"]}]}],
        [{**CORP, "roles": [{"claim": "groups", "value": "a", "roles": []}]}],
        [{**CORP, "roles": [{"claim": "groups", "value": "", "roles": ["owner"]}]}],
        [{**CORP, "client_secret": "a", "client_secret_file": "b"}],
        [{**CORP, "prompt": "none"}],
        [{**CORP, "unknown": 1}],
        [CORP, {**CORP, "client_id": "another"}],
        [CORP, {**CORP, "name": "another"}],
    ],
)
def test_what_cannot_be_meant_is_refused(providers: list[dict[str, Any]]) -> None:
    with pytest.raises(FaultyInputError) as no:
        loaded(*providers)
    assert no.value.code == "config_invalid"
