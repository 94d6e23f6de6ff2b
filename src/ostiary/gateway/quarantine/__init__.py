"""Quarantined extraction: untrusted text becomes typed values, read by a model that can do nothing else."""

from ostiary.gateway.quarantine.extracting import Extracted, Extraction, extract
from ostiary.gateway.quarantine.schema import read_schema

__all__ = ["Extracted", "Extraction", "extract", "read_schema"]
