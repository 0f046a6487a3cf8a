"""Tiny models with random weights, written to disk as published ones are, so that the public loading code runs on them.

They babble: what they say has a length, a voice and a sample rate, and no meaning.
"""

from __future__ import annotations

import json
from pathlib import Path

ALPHABET = "_ abcdefghijklmnopqrstuvwxyz'?.,-"  # the first one is the padding
SPEAKERS = {"anna": 0, "bob": 1}


def transformers_vits(folder: Path, *, speakers: int = 2, alphabet: str = ALPHABET) -> Path:
    """A VITS model of transformers with its tokenizer; `speakers` 1 for a single voice."""
    import torch
    from transformers import VitsConfig, VitsModel, VitsTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({character: number for number, character in enumerate(alphabet)}))
    tokenizer = VitsTokenizer(str(vocabulary), pad_token="_", unk_token="_", phonemize=False, language="eng")
    config = VitsConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        ffn_dim=64,
        flow_size=32,
        spectrogram_bins=33,
        upsample_initial_channel=32,
        upsample_rates=[8, 8, 4],
        upsample_kernel_sizes=[16, 16, 8],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1, 3]],
        num_speakers=speakers,
        speaker_embedding_size=8 if speakers > 1 else 0,
        prior_encoder_num_flows=1,
        prior_encoder_num_wavenet_layers=1,
        posterior_encoder_num_wavenet_layers=1,
        depth_separable_num_layers=1,
        duration_predictor_num_flows=1,
        use_stochastic_duration_prediction=False,
        duration_predictor_filter_channels=16,
        sampling_rate=16000,
        pad_token_id=0,
    )
    torch.manual_seed(0)
    model = VitsModel(config)
    torch.nn.init.constant_(model.duration_predictor.proj.bias, 1.5)  # four to five frames a character
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def coqui_vits(folder: Path, *, speakers: dict[str, int] | None = SPEAKERS, clones: bool = False) -> Path:
    """A VITS model of Coqui: `config.json` and `model.pth`; `speakers` None for a single voice.

    One that `clones` speaks with the voice of a clip, as YourTTS does: by what a speaker encoder makes of it.
    """
    import torch
    from TTS.tts.configs.vits_config import VitsArgs, VitsConfig
    from TTS.tts.models.vits import Vits

    folder.mkdir(parents=True, exist_ok=True)
    voices = {}
    if speakers:
        file = folder / "speakers.json"
        file.write_text(json.dumps(speakers))
        voices = {"use_speaker_embedding": True, "speakers_file": str(file)}
    elif clones:
        voices = {"use_d_vector_file": True, "d_vector_dim": 16}
    arguments = VitsArgs(
        hidden_channels=32,
        hidden_channels_ffn_text_encoder=64,
        num_layers_text_encoder=1,
        num_layers_posterior_encoder=1,
        num_layers_flow=1,
        upsample_initial_channel_decoder=32,
        resblock_kernel_sizes_decoder=[3],
        resblock_dilation_sizes_decoder=[[1, 3]],
        resblock_type_decoder="2",
        init_discriminator=False,
        use_sdp=False,
        speaker_embedding_channels=16 if speakers else 0,
        **(_speaker_encoder(folder) if clones else {}),
        **voices,
    )
    config = VitsConfig(model_args=arguments, use_phonemes=False, text_cleaner="english_cleaners", **voices)
    torch.manual_seed(0)
    model = Vits(config)
    torch.nn.init.constant_(model.duration_predictor.proj.bias, 1.5)  # four to five frames a character
    torch.save({"model": model.state_dict()}, folder / "model.pth")
    model.config.save_json(folder / "config.json")
    return folder


def _speaker_encoder(folder: Path) -> dict[str, str]:
    """An encoder of voices, written beside the model; the model's arguments that name it."""
    import torch
    from TTS.encoder.configs.speaker_encoder_config import SpeakerEncoderConfig
    from TTS.encoder.utils.generic_utils import setup_encoder_model

    parameters = {"model_name": "lstm", "input_dim": 80, "proj_dim": 16, "lstm_dim": 8, "num_lstm_layers": 1}
    training = {"num_classes_in_batch": 2, "num_utter_per_class": 2, "num_loader_workers": 0}  # has to be named
    config = SpeakerEncoderConfig(model_params=parameters, **training)
    torch.manual_seed(0)
    torch.save({"model": setup_encoder_model(config).state_dict()}, folder / "speakers.pth")
    config.save_json(folder / "speakers_config.json")
    return {
        "speaker_encoder_model_path": str(folder / "speakers.pth"),
        "speaker_encoder_config_path": str(folder / "speakers_config.json"),
    }


def transformers_speecht5(folder: Path) -> tuple[Path, Path]:
    """A SpeechT5 model, and the vocoder that it needs."""
    import torch
    from transformers import SpeechT5Config, SpeechT5ForTextToSpeech, SpeechT5HifiGan, SpeechT5HifiGanConfig

    config = SpeechT5Config(
        vocab_size=40,
        hidden_size=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        speaker_embedding_dim=16,
        speech_decoder_prenet_units=32,
        speech_decoder_postnet_units=32,
        max_text_positions=100,
        max_speech_positions=400,
    )
    torch.manual_seed(0)
    SpeechT5ForTextToSpeech(config).save_pretrained(folder / "model")
    _character_tokenizer().save_pretrained(folder / "model")
    vocoder = SpeechT5HifiGanConfig(
        upsample_initial_channel=32, resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1]], initializer_range=0.3
    )
    SpeechT5HifiGan(vocoder).save_pretrained(folder / "vocoder")
    return folder / "model", folder / "vocoder"


def _character_tokenizer() -> object:
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {token: number for number, token in enumerate(["<unk>", "<pad>", *ALPHABET])}
    characters = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    characters.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    return PreTrainedTokenizerFast(tokenizer_object=characters, unk_token="<unk>", pad_token="<pad>")
