"""Tables in files, as CSV or Parquet by their names."""

from pathlib import Path
from typing import Any

from ostiary.errors import FaultyInputError
from ostiary.server.feature_tables import to_arrow


def read_file(path: Path) -> bytes:
    """Return a file's table as an Arrow stream.

    Raises:
        FaultyInputError: ``table_invalid``.
    """
    import pyarrow as pa  # noqa: PLC0415 - an extra of its own
    import pyarrow.csv  # noqa: PLC0415
    import pyarrow.parquet  # noqa: PLC0415

    try:
        if path.suffix == ".parquet":
            return to_arrow(pa.parquet.read_table(path))
        return to_arrow(pa.csv.read_csv(path))
    except (OSError, pa.ArrowException) as fault:
        raise FaultyInputError("table_invalid", f"`{path}` is no table") from fault


def write_file(table: Any, path: Path) -> None:
    """Write a table.

    Raises:
        FaultyInputError: ``table_invalid``.
    """
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.csv  # noqa: PLC0415
    import pyarrow.parquet  # noqa: PLC0415

    try:
        if path.suffix == ".parquet":
            pa.parquet.write_table(table, path)
        else:
            pa.csv.write_csv(table, path)
    except (OSError, pa.ArrowException) as fault:
        raise FaultyInputError("table_invalid", f"`{path}` cannot be written") from fault
