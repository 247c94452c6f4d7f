import pytest

from tasks.extract.text import content_hash, fold, minhash, words

SENTENCES = [f"Sentence number {number} tells of tea from garden {number * 7} in detail." for number in range(60)]


def similarity(one: str, other: str) -> float:
    pairs = list(zip(minhash(words(one).tokens), minhash(words(other).tokens), strict=True))
    return sum(a == b for a, b in pairs) / len(pairs)


def test_a_signature_estimates_how_many_shingles_are_shared():
    text = " ".join(SENTENCES)
    assert similarity(text, text.upper().replace(" ", "\n")) == 1
    assert similarity(text, " ".join(SENTENCES[:-3])) > 0.85
    assert 0.3 < similarity(text, " ".join(SENTENCES[:30])) < 0.7
    assert similarity(text, " ".join(f"word{n}" for n in range(600))) < 0.1


def test_a_stored_signature_stays_the_same():
    signature = minhash(words("one two three four five six").tokens)
    assert signature[:3] == (3546576929, 3296815444, 3335706492)
    assert len(signature) == 128
    assert all(0 <= value < 2**32 for value in signature)


@pytest.mark.parametrize("text", ["", "one two three four", "茶茶茶茶"])
def test_fewer_than_five_words_have_no_signature(text):
    assert minhash(words(text).tokens) == ()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("Hello, world!", 2),
        ("don't don’t", 2),
        ("a-b a/b snake_case 3.5", 7),
        ("– — … · | ©", 0),
        ("\uf015 Home \ue000menu \U000f0001 \U0010fffd", 2),
        ("Tea 🍵 cup 👩\u200d🔧 🇩🇪 ❤\ufe0f 🏴\U000e0067\U000e007f 🧋", 2),
        ("1\ufe0f\u20e3 𝐓𝐞𝐚 𠮷野家 ﬁne ﷲ", 1 + 1 + 2 + 1 + 1),
        ("naïve Ångström ªº", 3),
        ("हिन्दी में", 2),
        ("שלום עולם", 2),
        ("한국어 문장입니다", 2),
        ("茶", 1),
        ("日本語", 2),
        ("iPhone 15は新しい", 2 + 2),
        ("ภาษาไทย", 4),
        ("「茶」、（茶）。", 1),
    ],
)
def test_words(text, count):
    assert words(text).count == count


def test_folding_cuts_and_removes_what_is_invisible():
    assert fold(" a\u00a0\n\u200bb\ufeff\tc ") == "a b c"
    assert fold("x" * 20, 5) == "xxxxx"
    assert fold("می\u200cخواهم") == "می\u200cخواهم"


def test_the_hash_is_of_the_text():
    assert content_hash("") == "e4a6a0577479b2b4"
    assert content_hash("a") != content_hash("A")
