"""``ostiary model scan``: whether files are safe to have."""

from ostiary.cli.model_scan import mount as register

__all__ = ["register"]
