"""How large a model and its bundles may be; what is larger is refused before it is read."""

import msgspec


class ModelLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds on one model folder and the bundles that sign it.

    Attributes:
        max_files: number of files.
        max_file_bytes: size of the largest file.
        max_total_bytes: size of all files together.
        max_depth: how many folders lie above a file, the model's own not counted.
        max_path_bytes: length of a file's path in UTF-8.
        max_resources: number of digests in the statement; shards make several a file.
        max_bundle_bytes: size of a bundle; each holds the statement and the proof of its signer.
    """

    max_files: int = 10_000
    max_file_bytes: int = 256 << 30
    max_total_bytes: int = 1 << 40
    max_depth: int = 16
    max_path_bytes: int = 1024
    max_resources: int = 100_000
    max_bundle_bytes: int = 32 << 20
