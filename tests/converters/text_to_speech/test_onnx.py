import pytest

from converters.text_to_speech.onnx import session_of
from safebench.errors import BadInput


def test_what_is_no_model_is_bad_input():
    with pytest.raises(BadInput, match="no model that onnxruntime can use"):
        session_of(b"no model", "voice 'v'")
