"""History over many machines: events as Parquet, replayed, learned and studied by Dask with the code that runs online.

Nothing of the server imports this folder: Dask, PyArrow and fsspec are the extra ``history`` (ADR-0075).
"""
