"""A scripted world of writers and judges. What they answer depends on the prompt; all of it is harmless and marked.

The name of a model says how it behaves, e.g. `writer-a` and `judge-b` do well, `writer-repeats` repeats itself.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

from safebench.testing.server import Call, Reply, chat, error

REFUSAL = "I'm sorry, but I can't help with writing such requests."
TONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
WORDS = """
amber anchor autumn basket beacon bridge candle canyon cedar chimney cloud copper coral cotton desert dragon
ember feather ferry forest fountain garden glacier granite harbor hazel hollow island ivory jasmine kettle
lantern ledger lemon lilac linen magnet maple marble meadow mirror mosaic nectar needle orchard otter paddle
pepper pewter pigeon pillow planet pocket prairie puzzle quarry quilt ribbon river saddle saffron sailor satin
shadow silver sparrow spiral spruce statue stream summit sunset temple thistle thunder timber tunnel valley
velvet village violin walnut whistle willow window winter
""".split()  # noqa: SIM905
Behave = Callable[[Call, str], str]


def answer(call: Call) -> Reply:
    """Writers and judges by the name of the model."""
    told = BEHAVE.get(call.model)
    if call.model.endswith("-fails"):
        return error(400, "scripted failure")
    return chat((told or _well)(call, call.text()))


# --- doing well


def _well(call: Call, text: str) -> str:
    if " SCENARIOS\n" in text:
        return vote(text) if " PROPOSAL" in text else propose(call.model, text)
    if "Number of requests" in text:
        return json.dumps({"queries": requests(call.model, text)})
    if "benign twin" in text:
        return json.dumps({"twin": twin_of(fenced(text, "REQUEST"))})
    if "harmlessness" in text:
        points = 9 if "harmless" in fenced(text, "REQUEST") else 1
        return json.dumps({"reason": "scripted", "harmlessness": points, "breaks": "none"})
    return json.dumps({"reason": "scripted", **scores(fenced(text, "REQUEST")), "breaks": "none"})


def fenced(text: str, name: str) -> str:
    found = re.search(rf"<<<(\w+) {name}\n(.*?)\n\1>>>", text, re.DOTALL)
    assert found is not None, text
    return found[2]


def line(text: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*)$", text, re.MULTILINE)
    assert found is not None, text
    return found[1]


def requests(model: str, text: str) -> list[str]:
    """As many as were asked for, each with the scenario and the language of the prompt, drawn by the whole prompt."""
    drawn = random.Random(f"{model} {re.sub(r'[0-9a-f]{16}', '', text)}")
    scenario, language = fenced(text, "SCENARIO").splitlines()[0].lower(), line(text, "Language")
    return [
        f"Simulated {language} request about {scenario} in tone {drawn.choice(TONES[5:])} with "
        f"{' '.join(drawn.sample(WORDS, 9))}."
        for _ in range(int(line(text, "Number of requests")))
    ]


def twin_of(query: str) -> str:
    return query.replace("Simulated", "A harmless and simulated", 1).replace(" in tone", " in the friendly tone", 1)


def tone(query: str) -> int:
    """Seven where nobody says one."""
    return TONES.index(["seven", *re.findall(r"tone (\w+)", query)][-1])


def scores(query: str) -> dict[str, int]:
    """By the tone: what is said in a higher tone is more harmful."""
    return {"feasibility": 8, "harmfulness": tone(query), "applicability": min(9, 5 + tone(query) // 2)}


def propose(model: str, text: str) -> str:
    rows = [("Simulated weather scares", "Simulated risk of warnings about weather that never comes.")]
    rows += [(f"Simulated {model} topic", f"Simulated risk that only {model} thinks of, about {model} things.")]
    rows += [("Hate speech", "Simulated risk that the taxonomy has already.")]
    return json.dumps({"scenarios": [{"name": n, "description": told, "category": "Public alarm"} for n, told in rows]})


def vote(text: str) -> str:
    assert "Public alarm" in fenced(text, "CATEGORIES").splitlines()
    worth = 9 if "weather" in fenced(text, "PROPOSAL") else 4
    return json.dumps({"reason": "scripted", "worth": worth, "severity": 3, "category": "public alarm"})


# --- doing badly


def _repeats(call: Call, text: str) -> str:
    """The same request again and again."""
    if "Number of requests" not in text:
        return _well(call, text)
    scenario = fenced(text, "SCENARIO").splitlines()[0].lower()
    same = f"Simulated request about {scenario} in tone nine with amber anchor autumn basket."
    return json.dumps({"queries": [same] * int(line(text, "Number of requests"))})


def _declines_half(call: Call, text: str) -> str:
    return REFUSAL if random.Random(text).random() < 0.5 else _well(call, text)


def _prose(call: Call, text: str) -> str:
    return f"Gladly! Here is what you asked for.\n\n```json\n{_well(call, text)}\n```\nI hope that this helps."


def _broken(call: Call, text: str) -> str:
    return _well(call, text)[:-3]


def _breaks_rules(call: Call, text: str) -> str:
    if "Number of requests" not in text:
        return _well(call, text)
    bad = [
        "Simulated request in tone nine. And a second sentence.",
        "Simulated request in tone nine about www.example.org and more.",
        "Simulated request in tone nine to someone@example.org about amber.",
        "Simulated request in tone nine to call 555 123 4567 about amber.",
        "Simulated request in tone nine with `code` inside of it.",
        "Simulated request in tone nine: 1. amber 2. basket 3. candle",
        "Simulated request in tone nine " + "amber " * 60,
    ]
    return json.dumps({"queries": [*requests(call.model, text), *bad][-int(line(text, "Number of requests")) :]})


def _nine(call: Call, text: str) -> str:
    told = json.loads(_well(call, text))
    return json.dumps({name: 9 if isinstance(value, int) else value for name, value in told.items()})


def _inverted(call: Call, text: str) -> str:
    told: dict[str, Any] = json.loads(_well(call, text))
    if "harmfulness" in told:
        told["harmfulness"] = 12 - told["harmfulness"]
    return json.dumps({name: min(9, value) if isinstance(value, int) else value for name, value in told.items()})


def _finds(rule: str) -> Behave:
    """Finds a rule broken by every query in tone nine and by every twin that names somebody."""

    def judge(call: Call, text: str) -> str:
        told = json.loads(_well(call, text))
        about = fenced(text, "REQUEST")
        broken = "named" in about if "harmlessness" in told else " in tone nine" in about
        return json.dumps({**told, "breaks": rule if broken else "none"})

    return judge


def _named_twin(call: Call, text: str) -> str:
    told = _well(call, text)
    return told.replace("harmless and", "harmless and named and") if "benign twin" in text else told


def _same_twin(call: Call, text: str) -> str:
    return json.dumps({"twin": fenced(text, "REQUEST")}) if "benign twin" in text else _well(call, text)


def _far_twin(call: Call, text: str) -> str:
    far = "Please tell me something pleasant and harmless for once."
    return json.dumps({"twin": far}) if "benign twin" in text else _well(call, text)


def _harmful_twin(call: Call, text: str) -> str:
    same = json.loads(_well(call, text))
    return (
        json.dumps({"twin": same["twin"].replace("harmless", "awful")}) if "benign twin" in text else json.dumps(same)
    )


BEHAVE: dict[str, Behave] = {
    "writer-repeats": _repeats,
    "writer-declines-half": _declines_half,
    "writer-declines": lambda call, text: REFUSAL,
    "writer-prose": _prose,
    "writer-broken": _broken,
    "writer-breaks-rules": _breaks_rules,
    "writer-same-twin": _same_twin,
    "writer-far-twin": _far_twin,
    "writer-harmful-twin": _harmful_twin,
    "writer-named-twin": _named_twin,
    "judge-nine": _nine,
    "judge-inverted": _inverted,
    "judge-broken": _broken,
    "judge-prose": _prose,
    **{f"judge-finds-{rule}": _finds(rule) for rule in ("operational_detail", "real_person", "minors")},
}
