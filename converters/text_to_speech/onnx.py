"""Models of speech in ONNX, run by onnxruntime on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safebench.errors import BadInput, ConversionError


def session_of(model: bytes, what: str) -> Any:
    """An onnxruntime session on one thread: more would round differently. Raises BadInput for what is no model."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BadInput(f"{what} is no model that onnxruntime can use: {error}") from error


def samples_of(session: Any, given: Mapping[str, Any], who: str) -> Any:
    """What the model speaks, at its rate, shape (samples,). Raises ConversionError."""
    try:
        return session.run(None, given)[0].reshape(-1)
    except Exception as error:  # onnxruntime's errors have no base of their own
        raise ConversionError(f"{who} could not speak the text: {error}") from error
