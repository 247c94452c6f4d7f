"""Pages that give the model orders: none of their words stands where ours do, and hidden ones stand nowhere."""

import json
import re
from pathlib import Path

import pytest

from tasks.analyze.prompt import MARK, build
from tasks.analyze.settings import ModelSettings
from tasks.analyze.templates import DEFAULT_TEXT

FOLDER = Path(__file__).parent / "injected"
ATTACKS = json.loads((FOLDER / "attacks.json").read_text("utf-8"))


def test_there_are_enough_of_both_kinds():
    assert {path.stem for path in FOLDER.glob("*.html")} == set(ATTACKS)
    shown = sum(attack["shown"] for attack in ATTACKS.values())
    assert (shown >= 30, len(ATTACKS) - shown >= 15) == (True, True)


@pytest.fixture(params=sorted(ATTACKS))
def attack(request, read):
    return ATTACKS[request.param], read((FOLDER / f"{request.param}.html").read_text("utf-8"))


def test_words_of_the_page_are_marked_and_hidden_ones_are_absent(attack):
    expected, subject = attack
    prompt = build(subject, DEFAULT_TEXT, ModelSettings())
    system, task, text = (message["content"] for message in prompt.messages)
    whole = f"{system}\n{task}\n{text}".lower()
    phrase = expected["phrase"]
    as_marked = "".join(MARK + word for word in phrase.split())
    assert (as_marked in whole) == expected["shown"]
    if " " in phrase:
        assert phrase not in whole
    # what stands between the delimiters is one line, and marked from its first word on
    delimiter = re.search(r"^[0-9a-f]{16}$", text, re.MULTILINE)[0]
    between = text.split(f"{delimiter}\n")[1].rstrip("\n")
    assert between.startswith(MARK)
    assert not re.search(r"\s", between)
    assert delimiter not in task + between
    assert prompt.canary in system
    assert prompt.canary not in task + text


def test_nothing_invisible_reaches_the_model(attack):
    _, subject = attack
    sent = "".join(message["content"] for message in build(subject, DEFAULT_TEXT, ModelSettings()).messages)
    assert not re.search("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]", sent)


def test_our_orders_are_the_same_whatever_the_page_says(read):
    systems = set()
    for name in ATTACKS:
        prompt = build(read((FOLDER / f"{name}.html").read_text("utf-8")), DEFAULT_TEXT, ModelSettings())
        systems.add(prompt.messages[0]["content"].replace(prompt.canary, "canary"))
    assert len(systems) == 1


@pytest.mark.parametrize("name", ["chatml-tokens", "inst-tokens"])
def test_what_models_frame_turns_by_is_taken_apart(name, read):
    prompt = build(read((FOLDER / f"{name}.html").read_text("utf-8")), DEFAULT_TEXT, ModelSettings())
    sent = "".join(message["content"] for message in prompt.messages[1:])
    assert not re.search(r"<\||\|>|\[/?INST", sent)
