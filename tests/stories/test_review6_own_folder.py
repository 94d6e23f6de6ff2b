"""Whoever shows a run a folder around the data directory shows it the server's keys."""

from pathlib import Path

import pytest

from ostiary.cli.verbs import train
from ostiary.errors import FaultyInputError


@pytest.mark.parametrize("folder", [".", "data", "data/keys"])
def test_no_run_is_shown_the_keys_as_its_environment(tmp_path: Path, folder: str) -> None:
    (tmp_path / "data" / "keys").mkdir(parents=True)
    with pytest.raises(FaultyInputError) as no:
        train.run("true", pipeline="churn", environment=(tmp_path / folder,), data=tmp_path / "data")
    assert no.value.code == "training_mount_invalid"


@pytest.mark.parametrize("folder", [".", "data", "data/keys"])
def test_nor_as_its_code(tmp_path: Path, folder: str) -> None:
    (tmp_path / "data" / "keys").mkdir(parents=True)
    with pytest.raises(FaultyInputError) as no:
        train.run("true", pipeline="churn", code=tmp_path / folder, data=tmp_path / "data")
    assert no.value.code == "training_mount_invalid"


def test_a_hidden_data_directory_beside_code_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / ".ostiary").mkdir()
    assert train._code(tmp_path, "", tmp_path / ".ostiary").folder == tmp_path.resolve()
