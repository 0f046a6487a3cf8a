"""English frames of requests: which words only ask, and where what is asked for begins.

"How can I bake bread?" and "Could you show me how to bake bread?" both ask for *steps to* "bake bread". A frame is
known by its opening words alone: the first rule that fits decides, and a request that fits none has no frame.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Frame(NamedTuple):
    """What is asked for is `text[start:end]`; after `head` it reads as a heading: "Steps to" + "bake bread"."""

    head: str
    start: int
    end: int

    @property
    def verb_first(self) -> bool:
        """Whether what is asked for begins with a verb: Steps to "bake bread", but List of "kinds of bread"."""
        return self.head.endswith(" to")


_PLEASE = r"(?:please )?"
_CAN_YOU = rf"{_PLEASE}(?:can|could|would|will) you {_PLEASE}"
_ASK = rf"(?:{_CAN_YOU}|{_PLEASE})"
_ME = r"(?: me| us)?"
_HELP = rf"{_ASK}(?:help|guide|assist|walk|lead|teach|coach){_ME}"
_TELL = rf"{_ASK}(?:tell|show|explain|describe|outline|give|provide|suggest|recommend|share)(?: to)?{_ME}(?: with)?"
_IS = r"(?:what's|is there|are there|(?:what|which) (?:is|are))"
_CAN = r"(?:can|could|do|does|would|should|might|may|must)"
_WHO = r"(?:i|you|we|one|someone|somebody|people|individuals|a person)"
_HOW = rf"how (?:to|{_CAN} {_WHO}|{_WHO} {_CAN})"
_BEST = (
    r"(?:(?:the|a|an|any|some) )?(?:(?:most|very|best|good|easiest|quickest|fastest|safest|surest|simplest|cheapest"
    r"|common|effective|efficient|specific|different|other|detailed|step-by-step) )*"
)
_WAYS = (
    r"(?:ways?|steps?|methods?|means|process|procedures?|practices|techniques?|tactics|tricks|tips|strateg(?:y|ies)"
    r"|approach(?:es)?)"
)
_NO_VERB = (  # an imperative begins with its verb; what begins like this does not, or asks to be told something
    "a|about|after|all|although|an|and|any|are|as|at|based|because|before|but|by|do|does|every|find|for|from|give|given"
    "|had|has|have|he|her|his|how|i|if|in|instead|is|it|last|me|my|name|next|no|of|on|once|one|our|she|should|since|so"
    "|some|someone|somebody|tell|that|the|their|there|these|they|this|those|through|to|under|until|we|what|when|where"
    "|whether|which|while|who|whose|why|with|without|would|you|your"
)

_RULES = tuple(
    (head, re.compile(opening, re.IGNORECASE))
    for head, opening in (
        ("", rf"(?:{_WAYS} (?:to|for|of)|list of) "),  # it is a heading already
        ("Steps to", rf"(?:(?:{_HELP}|{_TELL})(?: exactly| through| on| in| with)? )?{_HOW} "),
        ("Methods to", rf"(?:{_IS}|{_HELP}|{_TELL}) {_BEST}{_WAYS} (?:on how )?to "),
        ("Methods to", rf"(?:what|which) {_BEST}{_WAYS} (?:(?:can|could|should|will) be|is|are) used to "),
        ("Methods to", rf"(?:what|which) {_BEST}{_WAYS} (?:can|could|should|do|would) {_WHO} (?:use|take|follow) to "),
        ("Methods for", rf"(?:{_IS}|{_TELL}) {_BEST}{_WAYS} (?:for|of) "),
        ("Methods for", rf"{_TELL} {_BEST}(?:guide|advice|instructions) (?:for|on|to) "),
        ("List of", rf"(?:{_TELL} (?:a |the )?list of|{_ASK}list{_ME}(?: all)?) "),
        ("List of", r"(?:(?:what|which) are|are there)(?: some| any)? "),
        ("List of", rf"{_CAN_YOU}(?:provide|suggest|recommend){_ME}(?: with)? (?!an? )"),
        ("List of places to", rf"where {_CAN} {_WHO} "),
        ("Steps for", rf"{_HELP} (?:in|with|on|through) "),
        ("Steps to", rf"{_HELP}(?: to)? "),
        ("Steps to", rf"{_CAN_YOU}(?!tell me|give me)"),
        ("Steps to", rf"{_PLEASE}(?!(?:{_NO_VERB}|\w+ing)\b)(?=[a-z]+ [^?]*$)"),
    )
)


def find_frame(text: str) -> Frame | None:
    """The frame of one request, or None. `text` has no white space around it; its final point or mark is left out."""
    end = len(text.rstrip(" .?!…"))
    for head, opening in _RULES:
        opened = opening.match(text)
        if opened and opened.end() < end:
            return Frame(head or opened[0].strip(), opened.end(), end)
    return None
