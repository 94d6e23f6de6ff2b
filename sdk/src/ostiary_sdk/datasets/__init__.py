"""Datasets behind Ostiary's door, for everything that reads through fsspec: ``ostiary://dataset/path``.

    import pandas
    pandas.read_parquet("ostiary://sales/2026/july.parquet")     # OSTIARY_URL, OSTIARY_TENANT, OSTIARY_TOKEN_FILE, …

- pandas, pyarrow, DuckDB and PyTorch read it with nothing else changed; ``storage_options`` or the environment say
  where the door is, and who comes to it.
- Every request is a decision and a record of its own. So few are made: small objects are read whole, and whoever reads
  on gets more at a time.
- Needs the extra ``ostiary-sdk[datasets]``.
"""

from ostiary_sdk.datasets.doorway import DatasetError, Doorway, NotPermittedError
from ostiary_sdk.datasets.filesystem import OstiaryFileSystem

__all__ = ["DatasetError", "Doorway", "NotPermittedError", "OstiaryFileSystem"]
