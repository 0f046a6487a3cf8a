"""What the example package sends to local models goes through a real processor into a real model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from safebench.targets.transformers import TransformersChat, TransformersOptions
from safebench.types import Media
from tests.local import tiny_omni

PACKAGE = Path(__file__).parents[2] / "examples" / "safebench-video"
FILM = "{% elif part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"


@pytest.fixture
def chat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TransformersChat:
    """A model whose chat template takes videos."""
    before, after = tiny_omni.TEMPLATE.split("{% elif part['type'] == 'audio' %}")
    monkeypatch.setattr(tiny_omni, "TEMPLATE", before + FILM + "{% elif part['type'] == 'audio' %}" + after)
    return TransformersChat(
        str(tiny_omni.build_omni(tmp_path / "omni")), TransformersOptions(device="cpu", max_new_tokens=2)
    )


@pytest.mark.parametrize("kept", [True, False], ids=["in a file", "in memory"])
def test_a_longer_video_takes_more_tokens(
    chat: TransformersChat, kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(PACKAGE))
    from safebench_video import mp4
    from safebench_video.modality import TransformersVideo

    def asked(seconds: float | None) -> int:
        parts = [{"type": "text", "text": "What is this?"}]
        if seconds is not None:
            data = mp4.write(Image.new("RGB", (112, 112), "navy"), np.zeros(16000, np.int16), 16000, seconds, 5)
            media = Media.of("video", mp4.MIME, data)
            if kept:
                path = tmp_path / f"{media.sha256}.mp4"
                path.write_bytes(data)
                media = Media("video", mp4.MIME, media.sha256, media.size, path)
            parts.append(dict(TransformersVideo().encode(media)))
        (answer,) = chat.answer([[{"role": "user", "content": parts}]])
        return answer.prompt_tokens

    none, short, long = asked(None), asked(4.0), asked(8.0)
    assert none < short < long
