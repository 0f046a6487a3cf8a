"""MP4 files through PyAV: H.264 pictures and an AAC sound track. The same input gives the same bytes."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image, ImageOps

from safebench.pictures import MOST_PIXELS
from safebench.types import Media

MIME = "video/mp4"
VERSION = f"1 av {av.__version__}"  # its wheels bring FFmpeg and the encoders; raised when other bytes come out
_STILL = {"qp": "18", "preset": "veryfast", "x264-params": "ipratio=1:bframes=0"}  # frames of one picture are equal


def write(picture: Image.Image, sound: NDArray[np.int16], rate: int, seconds: float, per_second: int) -> bytes:
    """The picture held for `seconds`, `per_second` frames in each, over mono samples, (frames,), at `rate` Hz."""
    odd = (0, 0, picture.width % 2, picture.height % 2)  # H.264 halves the resolution of colour
    frame = av.VideoFrame.from_ndarray(np.asarray(ImageOps.expand(picture.convert("RGB"), odd, fill="white")))
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", container_options={"fflags": "+bitexact"}) as out:  # no time of creation
        video = out.add_stream("libx264", rate=per_second, options=_STILL)
        video.width, video.height, video.pix_fmt = frame.width, frame.height, "yuv420p"
        video.codec_context.thread_count = 1  # the number of threads changes the bytes
        audio = out.add_stream("aac", rate=rate, layout="mono")
        for number in range(math.ceil(seconds * per_second)):
            frame.pts = number
            out.mux(video.encode(frame))
        out.mux(video.encode())
        samples = av.AudioFrame.from_ndarray(sound[np.newaxis], format="s16", layout="mono")
        samples.sample_rate = rate
        out.mux(audio.encode(samples))
        out.mux(audio.encode())
    return file.getvalue()


def frames(media: Media, count: int) -> list[Media]:
    """At most `count` different pictures, as PNG: those in the middle of `count` parts of equal length.

    Raises ValueError for what is no whole video.
    """
    with _opened(media, "video") as (container, stream):
        if stream.width * stream.height > MOST_PIXELS:
            raise ValueError(f"the video has {stream.width}x{stream.height} pixels, which is more than are read")
        wanted = {(2 * part + 1) * stream.frames // (2 * count) for part in range(count)}
        found = [_png(frame.to_image()) for n, frame in enumerate(container.decode(stream)) if n in wanted]
    if len(found) != len(wanted):
        raise ValueError(f"the video is cut off: it has fewer than the {stream.frames} frames that it names")
    return list(dict.fromkeys(found))


def sound(media: Media) -> Media:
    """The sound track, as a WAV file of one channel. Raises ValueError where there is none that can be decoded."""
    with _opened(media, "audio") as (container, stream):
        mono = av.AudioResampler(format="flt", layout="mono", rate=stream.rate)
        found = [piece.to_ndarray()[0] for frame in container.decode(stream) for piece in mono.resample(frame)]
    file = io.BytesIO()
    soundfile.write(file, np.concatenate([*found, []]), stream.rate, format="WAV", subtype="PCM_16")
    return Media.of("audio", "audio/wav", file.getvalue())


@contextmanager
def _opened(media: Media, kind: str) -> Iterator[tuple[Any, Any]]:
    """The container and its first stream of that kind. Raises ValueError, also for what fails inside."""
    try:
        with av.open(io.BytesIO(media.read()), "r") as container:
            streams = getattr(container.streams, kind)
            if not streams:
                raise ValueError(f"the video has no {kind} stream")
            yield container, streams[0]
    except av.FFmpegError as error:
        raise ValueError(f"the video cannot be decoded: {error}") from error


def _png(picture: Image.Image) -> Media:
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return Media.of("image", "image/png", file.getvalue())
