import pytest

from tasks.extract.suspicion import is_suspicious

ATTRIBUTES = " ".join(f"a{number}" for number in range(1_500))
MORE_ATTRIBUTES = " ".join(f"a{number}" for number in range(4_000))

ORDINARY = {
    "empty": "",
    "text without a tag, short": "x" * 60_000,
    "balanced": "<div><p>x</p></div>" * 4_000,
    "void elements": "<p>" + "a<br>b<img src=x><hr>" * 3_000,
    "excess at the limit": "<i>" * 1_000,
    "long text": "<p>" + "x" * 60_000 + "<p>",
    "long script": "<script type='module' async>" + "let a = 1;\n" * 5_000 + "</script>",
    "long style": "<style>" + ".a { color: red }\n" * 3_000 + "</style>",
    "long comment": "<!--" + " a=1" * 10_000 + "-->",
    "picture in an attribute": "<img alt='' src=\"data:image/png;base64," + "A" * 50_000 + '"><p>x',
    "tags in attributes": '<a title="<b class=\'x\'>it\'s</b>" data-a=\'{"b": "<i>"}\'>a > b</a>' * 400,
    "apostrophes and quotation marks in long text": "<p>" + 'It\'s "tea". ' * 300 + "</p>" + "<p>x</p>" * 600,
    "drawings": "<svg viewBox='0 0 9 9'><path d='" + "M 1 2 L 3/4 " * 4_000 + "'/></svg>" * 3,
    "formatting, few kinds": "<p><code class='x'>a</code> <em id=b>c</em></p>" * 2_500,
}
SUSPICIOUS = {
    "excess": "<i>" * 1_001,
    "disguised nesting": "<div></x>" * 10_001,
    "nesting in ended tags": "<div>" * 10_001 + "</div>" * 10_001,
    "attributes": "<p " + ATTRIBUTES + "><p>",
    "attributes behind a quoted tag end": '<p title=">" ' + ATTRIBUTES + "><p>",
    "attributes of a script": '<script a=x" b=">" ' + ATTRIBUTES + "></script>",
    "attributes among start tags in values": "<p " + MORE_ATTRIBUTES.replace("99 ", "99='<b' ") + "><p>",
    "attributes among tags in values": "<p " + MORE_ATTRIBUTES.replace("99 ", "99='<p>' ") + "><p>",
    "attributes among tags in both quotation marks": "<p "
    + MORE_ATTRIBUTES.replace("49 ", "49='\">' ").replace("99 ", '99="\'>" ')
    + "><p>",
    "attributes of an end tag": "</p " + ATTRIBUTES + ">",
    "attributes without end": "<p " + ATTRIBUTES,
    "gap": "<p>" + "x" * 65_537 + "<p>",
    "gap to the end": "<p>" + "x" * 65_537,
    "repeated formatting": "<p>" + "".join(f"<b id={n}></x>" for n in range(800)) + "<p>x</x>" * 900,
    "repeated formatting in capitals": "<p>"
    + "".join(f"<FONT\ncolor='>{n}'></x>" for n in range(800))
    + "<p>x</x>" * 900,
    "repeated formatting, never closed": "<p>" + "".join(f"<s a='{n}</x>" for n in range(800)) + "<p>x</x>" * 900,
    "large": "x" * (2 * 1024 * 1024 + 1),
}


@pytest.mark.parametrize("source", ORDINARY.values(), ids=ORDINARY.keys())
def test_ordinary(source):
    assert not is_suspicious(source.encode())


@pytest.mark.parametrize("source", SUSPICIOUS.values(), ids=SUSPICIOUS.keys())
def test_suspicious(source):
    assert is_suspicious(source.encode())


@pytest.mark.parametrize(
    "source",
    [
        "<" * 2_000_000,
        "</" * 1_000_000,
        "<b " * 9_000 + "x" * 1_900_000,
        '<b "' * 9_000 + "x" * 1_900_000,
        "<b '\"" * 9_000 + "x" * 1_900_000,
        ("<b " + "'\"" * 90) * 9_000,
        "<p a" * 500_000,
        "<p a=b" * 300_000,
        "<" + "p-" * 1_000_000,
        "<p" + " a" * 1_000_000,
        "<p" + " a=''" * 400_000,
        "<br" * 600_000,
        "<!--" * 500_000,
        "<p b='" + "<a" * 30 + "b" * 60_000 + "'>" * 30,
        "' a='>" * 300_000,
    ],
    ids=lambda source: source[:8],
)
def test_the_look_itself_is_linear(source):
    """A quadratic one would not end before the test session is given up."""
    is_suspicious(source.encode())
