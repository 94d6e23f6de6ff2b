"""The settings of logs, metrics and traces."""

from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from ostiary.server.settings.base import Section
from ostiary.server.settings.networks import LOOPBACK, Networks


class TelemetrySection(Section):
    """Logs, metrics and traces."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Lowest level that is written."""
    log_json: bool = True
    """One JSON object a line; otherwise words for a terminal."""
    otlp_endpoint: str = ""
    """OTLP/HTTP endpoint for traces; empty switches tracing off."""
    otlp_headers: SecretStr = SecretStr("")
    """Headers for the OTLP endpoint, as `name=value,name=value`."""
    otlp_headers_file: Path | None = None
    """File that holds `otlp_headers`."""
    metrics_from: Networks = LOOPBACK
    """Networks that may read `/metrics`."""
