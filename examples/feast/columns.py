"""Feast behind columns: what the caller's token has of a view, and nothing else of it."""

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from ostiary_sdk.feast import GuardedFeatureStore
from ostiary_sdk.features import Features
from ostiary_sdk.rag import TokenOf


def columns_of_caller() -> Callable[[str], Collection[str]]:
    """Return what tells the columns that the caller's own token has of a view."""
    token = TokenOf(lambda: Path(os.environ["OSTIARY_TOKEN_FILE"]).read_text().strip())
    return Features(os.environ["OSTIARY_URL"], "default", token).whole_columns


def trips(store: Any, columns: Callable[[str], Collection[str]], drivers: list[int]) -> dict[str, list[Any]]:
    """Return one feature of some drivers, through the caller's own columns."""
    guarded = GuardedFeatureStore(store, columns)
    answer = guarded.get_online_features(["driver:trips"], [{"driver_id": one} for one in drivers])
    told: dict[str, list[Any]] = answer.to_dict()
    return told


if __name__ == "__main__":
    from feast import FeatureStore

    print(trips(FeatureStore("."), columns_of_caller(), [1, 2]))
