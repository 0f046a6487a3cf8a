"""MP4 files through PyAV: H.264 pictures and an AAC sound track. The same input gives the same bytes."""

import io
import math

import av
import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image, ImageOps

from converters.pictures import MOST_PIXELS, png
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
        samples = av.AudioFrame.from_ndarray(sound[np.newaxis], format="s16", layout="mono")
        samples.sample_rate = rate
        out.mux([*video.encode(), *audio.encode(samples), *audio.encode()])
    return file.getvalue()


def read(media: Media, count: int) -> tuple[list[Media], Media]:
    """Different pictures from the middle of `count` parts, and the sound as mono WAV. ValueError for no whole video."""
    try:
        with av.open(io.BytesIO(media.read())) as file:
            (video,), (audio,) = file.streams.video, file.streams.audio
            if video.width * video.height > MOST_PIXELS:
                raise ValueError(f"the video has {video.width}x{video.height} pixels, which is more than are read")
            wanted = {(2 * part + 1) * video.frames // (2 * count) for part in range(count)}
            pictures = [png(frame.to_image()) for n, frame in enumerate(file.decode(video)) if n in wanted]
            file.seek(0)
            samples = [frame.to_ndarray()[0] for frame in file.decode(audio)]  # floats: AAC is decoded to them
            rate = audio.rate
    except av.FFmpegError as error:
        raise ValueError(f"the video cannot be decoded: {error}") from error
    if len(pictures) != len(wanted):
        raise ValueError("the video is cut off: it has fewer frames than it names")
    sound = io.BytesIO()
    soundfile.write(sound, np.concatenate([*samples, []]), rate, format="WAV", subtype="PCM_16")
    return list(dict.fromkeys(pictures)), Media.of("audio", "audio/wav", sound.getvalue())
