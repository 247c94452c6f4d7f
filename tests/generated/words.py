"""Seeded English-looking text in which nothing repeats by chance."""

import random

_NOUNS = """
leaf bud cup kettle caddy garden harvest season terrace village slope estate basket steam water aroma infusion colour
liquor finish body flavour malt honey chestnut orchid jasmine smoke bamboo clay porcelain tray table guest ceremony
morning evening spring summer autumn winter mountain valley river mist frost shade oven wok drum market auction grade
parcel box tin sample letter ledger grower picker master taster merchant ship harbour road caravan story custom gift
price weight spoon minute degree
"""
_ADJECTIVES = """
green white black dark golden silver bright deep early late gentle strong mellow brisk floral woody mineral sweet
toasted smoky rolled twisted young aged rare common small large fine coarse wild quiet northern southern eastern western
high low clear cloudy warm cool dry moist soft rich light
"""
_VERBS = """
keeps brings shows needs holds gives opens changes follows carries fills leaves meets covers suits warms cools softens
sharpens improves
"""
NOUNS, ADJECTIVES, VERBS = (tuple(words.split()) for words in (_NOUNS, _ADJECTIVES, _VERBS))
LINKING = ("while", "because", "although", "before", "after", "when", "where", "until", "since", "as")


class Words:
    """Texts from one source of chance; titles, headings and descriptions never come twice."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._used: set[str] = set()

    def title(self) -> str:
        return self._unique(lambda: f"{self._phrase().capitalize()} with {self._phrase()} and {self._noun()}")

    def description(self) -> str:
        return self._unique(lambda: f"{self.sentence()[:-1]}, and the {self._phrase()} is here to stay.")

    def text(self, words: int) -> list[str]:
        """``words`` words in paragraphs of about forty."""
        found: list[str] = []
        while len(found) < words:
            found += self.sentence().split()
        found = found[:words]
        return [" ".join(found[start : start + 40]) for start in range(0, words, 40)]

    def sentence(self) -> str:
        rng = self._rng
        return (
            f"The {self._phrase()} {rng.choice(VERBS)} the {self._phrase()} {rng.choice(LINKING)} "
            f"a {self._phrase()} {rng.choice(VERBS)} {rng.choice(ADJECTIVES)}."
        )

    def changed(self, paragraphs: list[str], count: int) -> list[str]:
        """``paragraphs`` with ``count`` words replaced, at least six words apart: five shingles each."""
        words = " ".join(paragraphs).split()
        places = self._rng.sample(range(10, len(words) - 10, 6), count)
        for number, place in enumerate(places):
            words[place] = f"otherword{number}{self._noun()}"
        return [" ".join(words[start : start + 40]) for start in range(0, len(words), 40)]

    def anchor(self) -> str:
        return f"the {self._phrase()}"

    def _unique(self, make) -> str:
        while (text := make()) in self._used:
            pass
        self._used.add(text)
        return text

    def _phrase(self) -> str:
        return f"{self._rng.choice(ADJECTIVES)} {self._noun()}"

    def _noun(self) -> str:
        return self._rng.choice(NOUNS)
