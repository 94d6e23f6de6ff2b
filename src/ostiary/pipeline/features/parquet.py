"""History in Parquet files: where a feature set lies, which columns of it are read, how rows are added.

- A path is inside one of the configured roots, after every link in it was followed; files that are links are not read.
- What is opened has the wanted columns and no others: whoever holds the result cannot ask it for the rest.
- A file that is added appears whole or not at all.
"""

import os
from pathlib import Path
from typing import Any, Final

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.keys import random_bytes
from ostiary.pipeline.features.predicates import arrow_filter, arrow_type
from ostiary.pipeline.features.spec import FeatureSpec, Offline
from ostiary.pipeline.features.view import View

MAX_FILES: Final = 10_000
Stamp = tuple[tuple[str, int, int, int, int, int], ...]


class ParquetHistory:
    """Parquet files of all tenants."""

    def __init__(self, home: Path, roots: tuple[Path, ...] = ()) -> None:
        """Keep Ostiary's own folders below ``home``; other paths must lie in ``roots``."""
        self._home = home
        self._roots = tuple(root.resolve() for root in roots)

    def place(self, tenant: str, name: str, offline: Offline) -> Path:
        """Return where a feature set lies.

        Raises:
            FaultyInputError: ``feature_path_outside``.
        """
        if not offline.path:
            return self._home / tenant / name
        place = Path(offline.path).resolve()
        if not any(place.is_relative_to(root) for root in self._roots):
            raise FaultyInputError("feature_path_outside", f"`{offline.path[:200]}` is in none of `features.roots`")
        return place

    def files(self, place: Path) -> list[Path]:
        """Return the files of a feature set in the order of their names.

        Raises:
            UnavailableError: ``source_unavailable``.
        """
        try:
            if place.is_file():
                return [] if place.is_symlink() or place.name.startswith(".") else [place]
            if not place.is_dir():
                return []
            with os.scandir(place) as entries:
                names = sorted(one.name for one in entries if _is_kept(one))
        except OSError as fault:
            raise UnavailableError("source_unavailable", "the files of this feature set cannot be read") from fault
        if len(names) > MAX_FILES:
            raise UnavailableError("source_unavailable", f"this feature set has more than {MAX_FILES} files")
        return [place / name for name in names]

    @staticmethod
    def stamp(files: list[Path]) -> Stamp:
        """Return what changes when a file does: one that is written again and given its old time is another too.

        Raises:
            UnavailableError: ``source_unavailable``.
        """
        try:
            stats = [(str(one), one.stat()) for one in files]
        except OSError as fault:
            raise UnavailableError("source_unavailable", "the files of this feature set cannot be read") from fault
        return tuple(
            (name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_dev) for name, stat in stats
        )

    @staticmethod
    def dataset(files: list[Path], spec: FeatureSpec, columns: tuple[str, ...]) -> Any:
        """Return an Arrow dataset that has these stored columns and no others."""
        import pyarrow as pa  # noqa: PLC0415 - an extra of its own
        import pyarrow.dataset as ds  # noqa: PLC0415

        schema = pa.schema([pa.field(name, arrow_type(spec.stored[name].type)) for name in columns])
        if not files:
            return ds.dataset(schema.empty_table())
        return ds.dataset([str(one) for one in files], schema=schema, format="parquet")

    def read(self, files: list[Path], spec: FeatureSpec, view: View, max_bytes: int) -> Any:
        """Return the rows of a view as a table of stored columns, its row filter applied while reading.

        Raises:
            FaultyInputError: ``features_too_large``.
        """
        import pyarrow as pa  # noqa: PLC0415

        dataset = self.dataset(files, spec, view.inputs(spec))
        batches, size = [], 0
        for batch in dataset.to_batches(filter=arrow_filter(view.rows, spec.stored), batch_size=65_536):
            size += batch.nbytes
            if size > max_bytes:
                raise FaultyInputError("features_too_large", "this view of the feature set is too large to be masked")
            batches.append(batch)
        return pa.Table.from_batches(batches, dataset.schema)

    @staticmethod
    def append(place: Path, table: Any, now_ns: int) -> Path:
        """Add one file with these rows, on disk when this returns.

        Raises:
            FaultyInputError: ``feature_not_appendable``: the source is a single file.
            UnavailableError: ``source_unavailable``.
        """
        import pyarrow.parquet as pq  # noqa: PLC0415

        if place.is_file():
            raise FaultyInputError("feature_not_appendable", "this feature set is a single file: nothing can be added")
        name = f"{now_ns:020d}-{random_bytes(6).hex()}.parquet"
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            partly = place / f".{name}.part"
            with partly.open("xb") as out:
                pq.write_table(table, out)
                out.flush()
                os.fsync(out.fileno())
            partly.rename(place / name)
        except OSError as fault:
            raise UnavailableError("source_unavailable", "the feature set cannot be written") from fault
        return place / name


def _is_kept(one: "os.DirEntry[str]") -> bool:
    return one.name.endswith(".parquet") and not one.name.startswith(".") and one.is_file(follow_symlinks=False)
