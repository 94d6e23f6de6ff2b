"""Structured logs on stderr: one JSON object a line, or words for a terminal.

Everything passes here, the standard library's loggers of the rooms below and of uvicorn too, and everything is
cleaned of secrets and control characters on its way (``redaction``).
"""

import logging
import sys
from typing import Any, Final, TextIO

import msgspec
import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from ostiary.server.telemetry.redaction import clean_text, cleaned

_NAMES: Final = {"uvicorn": "ERROR", "uvicorn.error": "ERROR", "uvicorn.access": "CRITICAL", "httpx": "WARNING"}
_KEPT: Final = ("timestamp", "level", "event")


def _clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    kept = {name: event.pop(name) for name in ("_record", "_from_structlog") if name in event}
    return {**cleaned(event), **kept}


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    ordered = {name: event.pop(name) for name in _KEPT if name in event}
    return msgspec.json.encode({**ordered, **event}).decode()


def _as_words(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    head = f"{event.pop('timestamp', '')} {event.pop('level', ''):8} {event.pop('event', '')}"
    return clean_text(head + "".join(f"  {name}={value}" for name, value in event.items()))


def _exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name the exception and where it was raised; its text may hold what a caller sent, and is cleaned later."""
    info = event.pop("exc_info", None)
    fault = info[1] if isinstance(info, tuple) else info if isinstance(info, BaseException) else None
    if info is True:
        fault = sys.exc_info()[1]
    if fault is not None:
        trace = fault.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        event["fault"] = type(fault).__name__
        event["fault_text"] = str(fault)
        if trace is not None:
            event["fault_at"] = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return event


def configure(level: str, *, as_json: bool, stream: TextIO | None = None) -> None:
    """Set up logging for this process; calling it again replaces what was set."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _exception,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    last: list[Processor] = [
        _clean,
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        _as_json if as_json else _as_words,
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name, lowest in _NAMES.items():
        logging.getLogger(name).setLevel(lowest)


def get_logger(name: str) -> Any:
    """Return a structured logger."""
    return structlog.stdlib.get_logger(name)
