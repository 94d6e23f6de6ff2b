from pathlib import Path

import pytest

from ostiary.artifacts import shipped
from ostiary.errors import UnavailableError


def test_a_checkout_uses_its_own_folders(tmp_path: Path) -> None:
    package = tmp_path / "src" / "ostiary"
    package.mkdir(parents=True)
    (tmp_path / "policies").mkdir()
    assert shipped.find("policies", package) == tmp_path / "policies"


def test_a_wheel_uses_the_folder_inside_the_package(tmp_path: Path) -> None:
    package = tmp_path / "lib" / "ostiary"
    (package / "_shipped" / "policies").mkdir(parents=True)
    (tmp_path / "policies").mkdir()
    assert shipped.find("policies", package) == package / "_shipped" / "policies"


def test_a_missing_folder_says_how_to_mend_it(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="install ostiary anew") as caught:
        shipped.find("models", tmp_path / "lib" / "ostiary")
    assert caught.value.code == "shipped_files_missing"
