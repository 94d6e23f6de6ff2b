"""What MLflow's entry point names: ``OstiaryArtifactRepository`` and all else of ``mlflow_repository``, when asked for.

MLflow loads its plugins while it is itself being imported. Whoever imports this module first would find it half made:
so nothing here needs MLflow before something is asked for, and then MLflow comes first.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    """Return what ``mlflow_repository`` has under this name."""
    if name.startswith("__"):
        raise AttributeError(name)
    import mlflow  # noqa: F401, PLC0415 - its own plugins, this one among them, are whole when it returns

    from ostiary_sdk.models import mlflow_repository  # noqa: PLC0415

    return getattr(mlflow_repository, name)
