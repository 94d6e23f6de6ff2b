"""Opens a learned function in ONNX for every kind of model: small, on one thread, with errors of ours alone."""

from typing import Any, Final

from ostiary.errors import FaultyInputError, UnavailableError

MOST_BYTES: Final = 1 << 20
_FATAL: Final = 4


def opened(graph: bytes) -> Any:
    """Return an onnxruntime session of ``graph``.

    Raises:
        FaultyInputError: ``biometrics_model_malformed``.
        UnavailableError: ``biometrics_extra_missing``.
    """
    if len(graph) > MOST_BYTES:
        raise malformed(f"is larger than {MOST_BYTES:,} bytes")
    try:
        import onnxruntime  # noqa: PLC0415 - the extra `biometrics`
    except ImportError as fault:
        text = "models of behaviour need the biometrics extra: pip install 'ostiary[biometrics]'"
        raise UnavailableError("biometrics_extra_missing", text) from fault
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as fault:  # types of its own, without a common root
        raise malformed("cannot be opened") from fault


def malformed(text: str) -> FaultyInputError:
    """Return what is said of a graph that is not what it must be."""
    return FaultyInputError("biometrics_model_malformed", f"the model's network {text}")
