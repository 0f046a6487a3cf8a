"""The modality `audio`: checks the signal, has it heard by the recogniser that the user chose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from converters import recordings
from converters.recordings import Samples
from modalities.audio import closed_set, faster_whisper, hearing, signal
from modalities.audio.decoding import decode, duration
from modalities.audio.encoders import AudioUrl, OpenAIAudio, TransformersAudio
from modalities.audio.splitting import split
from modalities.audio.voices import GATE, voice_of, voice_recipes
from safebench.errors import BadInput, SafeBenchError, TargetRefusesService, raise_of_the_system
from safebench.models.languages import SURE, goes_with
from safebench.plugins import Checking, Describing, Encoder, Modality
from safebench.resources import shipped_wording
from safebench.types import Fidelity, Media, Query

NOT_HEARD = "signal checks passed; no recogniser heard it"
OTHER_LANGUAGE = "{} hears {!r} alone, and the text is in {!r}: choose a recogniser that hears it (--recogniser)"
RIGHT_PICK = "picked from a closed set, which does not prove it intelligible: choose a recogniser that transcribes"
WRONG_PICK = "the closed-set check took it for none of its sentences"
NEAR_PICK = "the closed-set check could not tell its text from a near miss of it: {}"
OTHER_PICK = "the closed-set check took it for another sentence: {}"
ERROR_RATES: Mapping[str, Callable[[str, str, str], float]] = {
    "wer": hearing.word_error_rate,
    "cer": hearing.character_error_rate,
}
NOTHING_LEFT = 1.0  # an error rate: as if nothing had been heard, whatever a gate says
MAX_RATES = tuple(f"max_{name}" for name in ERROR_RATES)
WRONG_WORDS = "wrong_words"  # the measure: words that are missing, other ones, or too many
ALLOWED_WRONG_WORDS = f"allowed_{WRONG_WORDS}"  # that pass whatever the word error rate is: of few words one is many
MIN_PICK = f"min_{closed_set.PICK}"
SHORT = 2**22  # bytes, 87 s at 24 kHz; to look at more would hold up the calls of a run
PIECE = "max_seconds_per_piece"  # of the message: a longer clip is sent in pieces


class AudioModality(Modality):
    name = "audio"
    summary = "the query as speech"
    medium = "audio"
    default_recipe = "female"
    recognisers = (faster_whisper.NAME, closed_set.RECOGNISER)
    shown = (*ERROR_RATES, closed_set.PICK)
    default_gate = GATE
    limits = (*signal.LIMITS, *MAX_RATES, ALLOWED_WRONG_WORDS, MIN_PICK)
    layout = (PIECE,)
    nouns = ("recording", "clip", "voice message")
    columns: ClassVar[Mapping[str, str]] = {"voice": "string", "duration": "float64"}
    encoders: ClassVar[Mapping[str, Encoder]] = {
        "openai": OpenAIAudio(),
        "audio_url": AudioUrl(),
        "transformers": TransformersAudio(),
    }

    @classmethod
    def recipes(cls) -> Mapping[str, Mapping[str, Any]]:
        """One for each voice of data/voices.toml, under the voice's name."""
        return voice_recipes()

    def describe(self, describing: Describing) -> Mapping[str, str | float | None]:
        """Who speaks, and the duration in s; None for what is no recording."""
        return {"voice": voice_of(describing.steps), "duration": duration(describing.media)}

    def check(self, checking: Checking) -> Fidelity:
        """Measure the signal against the gate's limits, then have it heard.

        The gate may limit what `signal.measure` gives (`min_…`, `max_…`) and the error rates of a recogniser
        (`max_wer`, `max_cer`); `allowed_wrong_words` pass whatever the word error rate is. Only a recogniser that
        transcribes makes a rendering pass, and only by a limit for an error rate; an error rate of 1 fails whatever the
        gate says, and so does a clip without a word. Where nobody could hear it, it stays unchecked with the reason. A
        clip that the closed-set check takes for another sentence, or for none, fails, unless it fits its text as well
        as a near miss. With `min_pick = 1` in the gate any wrong pick fails, with `min_pick = 0` none does.

        Raises BadInput and TargetRefusesService where the recogniser can hear nothing at all.
        """
        try:
            _check_whole(checking.media.read())
            samples, rate = decode(checking.media)
        except ValueError as error:
            return Fidelity("failed", reason=str(error))
        measured = _check_signal(samples, rate, checking)
        if measured.status == "failed":
            return measured
        try:
            return _hear(measured, checking, samples, rate)
        except (BadInput, TargetRefusesService):  # nothing will ever be heard: no fault of one clip
            raise
        except (SafeBenchError, ValueError) as error:  # nobody heard it: no pass, and no fault of the clip either
            raise_of_the_system(error)
            return replace(measured, status="unchecked", reason=str(error))

    def holds_nothing(self, media: Media) -> str | None:
        """Silence, a click, a steady tone or noise. Raises ValueError for what is no recording."""
        return signal.wordless(*decode(media))

    def needs_no_decoder(self, media: Media) -> bool:
        """A short WAV file of 16-bit numbers and nothing else."""
        return media.size <= SHORT and recordings.plain(media.read()) is not None

    def check_whole(self, media: Media) -> None:
        """Raises ValueError for what is no recording, was cut off, or is another kind of recording than it says."""
        recordings.check_type(_check_whole(media.read()), media.mime)

    def wording(self, *, with_text: bool) -> str:
        """Beside a clip that holds the query an instruction is enough."""
        return shipped_wording("audio") if with_text else ""

    def seconds(self, media: Media) -> float | None:
        return duration(media)

    def pieces(self, media: Media, layout: Mapping[str, float]) -> tuple[Media, ...]:
        """One clip; where the layout has `max_seconds_per_piece`, as many as that takes."""
        return split(media, layout[PIECE]) if PIECE in layout else (media,)


def _check_whole(data: bytes) -> str:
    try:
        return recordings.check_whole(data)
    except ValueError as error:
        raise ValueError(f"the recording cannot be decoded: {error}") from error


def _check_signal(samples: Samples, rate: int, checking: Checking) -> Fidelity:
    measures = signal.measure(samples, rate, checking.text_said)
    gate = {key: limit for key, limit in checking.gate.items() if key in signal.LIMITS}
    nothing = signal.wordless(samples, rate)
    lines = [*filter(None, [nothing]), *signal.violations(measures, gate)]
    return Fidelity("failed" if lines else "passed", measures, reason="; ".join(lines) or None)


def _hear(measured: Fidelity, checking: Checking, samples: Samples, rate: int) -> Fidelity:
    """Raises SafeBenchError or ValueError when the recogniser could not hear at all."""
    if checking.recogniser is None:
        return replace(measured, status="unchecked", reason=NOT_HEARD)
    query, reads = checking.query, checking.reads
    if reads is not None and not goes_with(query.text, reads, query.language, query.certainty):
        reason = OTHER_LANGUAGE.format(checking.recogniser, reads, query.language)
        return replace(measured, status="unchecked", reason=reason)
    if checking.recogniser.partition(":")[0] == closed_set.RECOGNISER:
        return _pick(measured, checking, samples, rate)
    return _transcribe(measured, checking, checking.recogniser)


def _pick(measured: Fidelity, checking: Checking, samples: Samples, rate: int) -> Fidelity:
    picked = closed_set.pick(samples, rate, checking.text_said, checking.other_texts)
    heard = replace(
        measured,
        measures={**measured.measures, closed_set.PICK: float(picked.right)},
        recogniser=closed_set.METHOD,
        recognised=" ".join(picked.won or ()),
    )
    if picked.right:
        return replace(heard, status="unchecked", reason=RIGHT_PICK)
    is_failed = checking.gate.get(MIN_PICK, float(not picked.undecided)) > 0
    wrong = NEAR_PICK if picked.undecided else OTHER_PICK if picked.won else WRONG_PICK
    reason = wrong.format(" ".join(picked.won or ()))
    return replace(heard, status="failed" if is_failed else "unchecked", reason=reason)


def _transcribe(measured: Fidelity, checking: Checking, recogniser: str) -> Fidelity:
    text, language = checking.query.text, _language(checking.query)
    if not hearing.words(text, language):
        raise ValueError("the query has no words that could be heard")
    recognised = checking.recognise(recogniser, checking.media)
    texts = {text, checking.text_said}  # "$5" and "five dollars" are the same words, and either may be written down
    rates = {name: min(rate(one, recognised, language) for one in texts) for name, rate in ERROR_RATES.items()}
    wrong = min(hearing.wrong_words(one, recognised, language) for one in texts)
    measures = {**measured.measures, **rates, WRONG_WORDS: float(wrong)}
    heard = replace(measured, measures=measures, recogniser=recogniser, recognised=recognised)
    if not hearing.puts_gaps_between_words(text):
        rates = {name: rate for name, rate in rates.items() if name != "wer" or f"max_{name}" in checking.gate}
    return _judge(heard, rates, checking.gate)


def _language(query: Query) -> str:
    """In which the words are compared: English, unless another is known well enough."""
    is_sure = query.certainty is None or query.certainty >= SURE
    return query.language if query.language and is_sure else hearing.ENGLISH


def _judge(heard: Fidelity, rates: Mapping[str, float], gate: Mapping[str, float]) -> Fidelity:
    """Speech is never passed by a gate that says nothing about what was heard, nor sent where nothing of it was."""
    lost = [name for name, rate in rates.items() if rate >= NOTHING_LEFT]
    if lost:
        reason = "; ".join(f"{name} is {rates[name]:.3f}: nothing of the text was heard" for name in lost)
        return replace(heard, status="failed", reason=reason)
    limits = {name: gate[f"max_{name}"] for name in rates if f"max_{name}" in gate}
    allowed = gate.get(ALLOWED_WRONG_WORDS, 0.0)
    if not limits:
        return replace(heard, status="unchecked", reason="the recipe's gate sets no limit for wer or cer")
    lines = [
        f"{name} is {rates[name]:.3f}, above the gate's {limit:.3f}"
        for name, limit in limits.items()
        if not rates[name] <= limit and not (name == "wer" and heard.measures[WRONG_WORDS] <= allowed)
    ]
    return replace(heard, status="failed" if lines else "passed", reason="; ".join(lines) or None)
