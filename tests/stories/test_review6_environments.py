"""A poisoned virtual environment that looks, by size and time, like the one that was approved."""

import os
from pathlib import Path

import msgspec

from ostiary.pipeline.training.environment import Environment, system, with_folder


def test_a_file_of_the_same_size_and_time_is_another_environment(tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    (folder / "lib").mkdir(parents=True)
    place = folder / "lib" / "torch.py"
    place.write_text("good")
    os.utime(place, ns=(5, 5))
    before = with_folder(_bare(), folder).digest()
    assert with_folder(_bare(), folder).digest() == before
    place.write_text("evil")
    os.utime(place, ns=(5, 5))
    assert with_folder(_bare(), folder).digest() != before


def test_links_are_named_and_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    folder.mkdir()
    (folder / "python").symlink_to("/nowhere/python3")
    assert with_folder(_bare(), folder).digest().startswith("sha256:")


def _bare() -> Environment:
    """Return the machine's own environment without its folders: they take long to list."""
    return msgspec.structs.replace(system(), mounts=())
