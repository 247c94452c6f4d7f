"""What the pages say of the command, the flows and the blocks is so."""

import re
import shlex
from pathlib import Path

import pytest
from cyclopts import CycloptsError

import blocks
from blocks.ai_model import OPENROUTER_KEY
from deployments.cli.app import command_line
from deployments.cli.manual import manual
from deployments.demo.transcript import COMMANDS, session, written_into
from flows.registry import FLOWS
from tasks.analyze.settings import AnalyzeOptions
from tasks.audit import all_rules
from tasks.extract import limits
from tasks.scan.places_task import RUNS_AT_ONCE, RUNS_AT_ONCE_DEFAULT
from tasks.scan.settings import ScanOptions

ROOT = Path(__file__).parents[2]
README, OPERATING, CLI = ROOT / "README.md", ROOT / "docs" / "operating.md", ROOT / "docs" / "cli.md"
PAGES = sorted([README, ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]

FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`]+)`")
SHELL_WORDS = {"|", "&&", ";", ">", "<"}


def shell_lines(text):
    """Command lines in fenced blocks and in inline code."""
    yield from (line.removeprefix("$ ").strip() for block in FENCED.findall(text) for line in block.splitlines())
    yield from (" ".join(code.split()) for code in INLINE.findall(FENCED.sub("", text)))


def seo_commands(text):
    """The words after each `seo` that begins a command, up to the next shell operator."""
    for line in shell_lines(text):
        for part in re.split(r"\s(?:&&|;)\s", line):
            found = re.match(r"(?:uv run )?seo\s+(?=\S)(.*)", part)
            if not found or "OPTIONS]" in part or found[1].startswith("COMMAND"):
                continue
            words = shlex.split(found[1], comments=True)
            end = next((number for number, word in enumerate(words) if word in SHELL_WORDS), len(words))
            yield tuple(words[:end])


def command_names():
    app = command_line()
    return {name for name in app if not name.startswith("-")}


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_every_command_line_is_understood(path):
    wrong = {}
    for words in seo_commands(path.read_text(encoding="utf-8")):
        if len(words) == 1 and words[0] in command_names():
            continue  # a command by its name
        try:
            command_line().parse_args(list(words), exit_on_error=False, print_error=False)
        except CycloptsError as error:
            wrong[words] = str(error)
    assert wrong == {}


@pytest.mark.parametrize("path", [README, OPERATING], ids=["README.md", "docs/operating.md"])
def test_every_option_exists(path):
    ours = set(re.findall(r"--[a-z][a-z-]+", manual())) | {"--help", "--version"}
    named = {code for code in INLINE.findall(path.read_text(encoding="utf-8")) if code.startswith("--")}
    assert {code.split()[0] for code in named} - ours == set()


def test_every_command_is_in_the_readme():
    used = {words[0] for words in seo_commands(README.read_text(encoding="utf-8"))}
    assert used == command_names()


def test_the_command_lines_page_is_up_to_date():
    assert CLI.read_text(encoding="utf-8") == manual(), "run: python -m deployments.cli.manual"


def test_the_command_lines_page_has_a_section_for_every_command():
    sections = set(re.findall(r"^## seo (\w+)$", manual(), re.MULTILINE))
    assert sections == command_names()


@pytest.mark.prefect
@pytest.mark.parametrize("name", COMMANDS)
def test_the_session_in_the_page_is_what_the_demo_prints(name, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    page, command = (ROOT / name).read_text(encoding="utf-8"), COMMANDS[name]
    assert page == written_into(page, command, session(command)), "run: python -m deployments.demo.transcript"


def test_a_page_without_a_place_for_the_session_is_refused():
    with pytest.raises(ValueError, match="0 blocks begin"):
        written_into("# seo-scan\n", "seo demo", "text\n")


def test_the_readme_counts_the_rules():
    assert set(re.findall(r"(?<=\| )\d+(?= \| Parquet)|\d+(?= rules)", README.read_text(encoding="utf-8"))) == {
        str(len(all_rules()))
    }


@pytest.mark.parametrize("name", blocks.__all__)
def test_every_variable_stands_beside_its_block_and_field(name):
    text, block = README.read_text(encoding="utf-8"), getattr(blocks, name)
    variables = {**block._environment, **({OPENROUTER_KEY: "api_key"} if name == "AIModel" else {})}
    for variable, field in variables.items():
        assert f"| `{variable}` | {block._block_type_name} | `{field}` | " in text
    assert "\n## Blocks\n" in text
    assert str(block._documentation_url).endswith("#blocks")


@pytest.mark.parametrize("flow", FLOWS)
def test_every_parameter_of_a_flow_is_described(flow):
    assert set(FLOWS[flow].load().parameters.properties) <= described_under(flow)


@pytest.mark.parametrize(("heading", "options"), [("options", ScanOptions), ("options of an analysis", AnalyzeOptions)])
def test_every_field_of_the_options_is_described(heading, options):
    assert set(options.model_fields) == described_under(heading)


def described_under(heading):
    """What stands in the first column of the section's table."""
    _, found, text = OPERATING.read_text(encoding="utf-8").partition(f"\n### {heading}\n")
    assert found, f"there is no section {heading}"
    rows = re.findall(r"^\|([^|]+)\|", re.split(r"^##", text, maxsplit=1, flags=re.MULTILINE)[0], re.MULTILINE)
    return {name for row in rows for name in INLINE.findall(row)}


def test_the_options_in_the_example_are_valid():
    [example] = re.findall(r"^```json\n(.*?)^```", OPERATING.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert ScanOptions.model_validate_json(example).crawler == "gentle"


def test_the_limits_of_a_page_are_those_of_the_code():
    told = re.search(r"## How much of a page is kept\n(.*?)\n## ", (ROOT / "docs/data.md").read_text(), re.DOTALL)[1]
    kept = (limits.LINKS, limits.IMAGES, limits.RESOURCES, limits.HEADINGS, limits.STRUCTURED, limits.TEXT)
    assert re.findall(r"\| ([\d,]+)", told) == [f"{most:,}" for most in kept]
    assert limits.HEADINGS == limits.HEAD_ELEMENTS
    assert f"{limits.VALUE:,} characters of one value, {limits.LINK_TEXT:,} of one link's" in told
    assert f"more than {limits.ADDRESSES // limits.LINKS:,} characters" in told


def test_the_limit_of_runs_has_its_name_and_number():
    for path in (README, OPERATING):
        text = path.read_text(encoding="utf-8")
        assert f"`{RUNS_AT_ONCE}`" in text
        assert str(RUNS_AT_ONCE_DEFAULT) in text


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_links_between_pages_lead_somewhere(path):
    text = FENCED.sub("", path.read_text(encoding="utf-8"))
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", text):
        led_to = path.parent / target if target else path
        assert led_to.exists(), target
        if anchor and led_to.suffix == ".md":
            assert anchor in anchors(led_to), f"{target}#{anchor}"


def anchors(path):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
