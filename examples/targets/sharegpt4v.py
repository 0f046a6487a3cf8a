"""ShareGPT4V-7B, through the package of LLaVA (github.com/haotian-liu/LLaVA), for messages with decoded media.

The package loads only vision towers whose names it knows: take the check out of its
llava/model/multimodal_encoder/builder.py, or give MODEL a folder whose config names a tower on disk.
"""

from functools import cache
from threading import Lock
from typing import Any

from safebench.targets.messages import text_and_pictures

MODEL = "Lin-Chen/ShareGPT4V-7B"
KIND, TALK = "llava-v1.5-7b", "llava_v1"  # the code and the form of conversation that it is made for
LONGEST = 1024  # tokens of an answer
_one_at_a_time = Lock()


@cache
def load() -> tuple[Any, Any, Any]:
    """Tokenizer, model and image processor."""
    from llava.model.builder import load_pretrained_model

    tokenizer, model, processor, _ = load_pretrained_model(MODEL, None, KIND)
    return tokenizer, model, processor


def answer(messages: list[dict[str, Any]]) -> str:
    """The answer to the last message: text, and pictures before it."""
    import torch
    from llava.constants import DEFAULT_IMAGE_TOKEN, IMAGE_TOKEN_INDEX
    from llava.conversation import conv_templates
    from llava.mm_utils import process_images, tokenizer_image_token

    text, pictures = text_and_pictures(messages)
    talk = conv_templates[TALK].copy()
    talk.append_message(talk.roles[0], "\n".join([*[DEFAULT_IMAGE_TOKEN] * len(pictures), text]))
    talk.append_message(talk.roles[1], None)
    with _one_at_a_time:
        tokenizer, model, processor = load()
        ids = tokenizer_image_token(talk.get_prompt(), tokenizer, IMAGE_TOKEN_INDEX, return_tensors="pt")
        seen = process_images(pictures, processor, model.config).to(model.device, model.dtype) if pictures else None
        with torch.inference_mode():
            tokens = model.generate(
                ids.unsqueeze(0).to(model.device),
                images=seen,
                image_sizes=[picture.size for picture in pictures],
                do_sample=False,
                max_new_tokens=LONGEST,
                use_cache=True,
            )
    return str(tokenizer.batch_decode(tokens, skip_special_tokens=True)[0]).strip()


answer.accepts = ("text", "image")
