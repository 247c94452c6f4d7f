"""Which event starts which flow, and how its payload becomes the flow's parameters.

Prefect renders the parameters on its server, from an event that anyone who reaches the API can emit. Each template
therefore yields text or a list of texts, whatever the payload holds: Prefect replaces only objects, so nothing of it
is ever taken for a template or a variable. The payload is judged in the template of ``request_id``: for a malformed
event that yields an object, which no flow takes, so no run starts and Prefect's refusal says what is wrong. A line of a
list that may carry a password is cut, as ``nameable`` cuts it: it fails, and loses no other.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from prefect.automations import Posture
from prefect.events import DeploymentEventTrigger

from flows.registry import TAG, FlowEntry
from tasks.events import BatchRequested, RequestEvent

MALFORMED = "malformed event"
SETTLES = "settle-run"

_ASCII = tuple(map(chr, range(128)))

# Prefect allows no recursion and few loops in a template: filters do the counting.
_MACROS = {
    "text": """\
{%- macro text(name, most, letters='', firsts='') -%}
  {%- set value = event.payload[name] -%}
  {%- if value is not string -%} {{ name }} needs a text;
  {%- elif not value -%} {{ name }} is empty;
  {%- elif value | length > most -%} {{ name }} is longer than {{ most }};
  {%- elif '\\0' in value -%} {{ name }} has a NUL character;
  {%- elif letters and value | list | reject('in', letters) | list -%} {{ name }} has characters that no id has;
  {%- elif firsts and value[0] not in firsts -%} {{ name }} begins with a character that no id begins with;
  {%- endif -%}
{%- endmacro -%}
""",
    "host": """\
{%- macro host(value) -%}
  {%- set text = value | replace('\\\\', '/') | replace('?', '/') | replace('#', '/') | trim -%}
  {%- set rest = text.split('://', 1)[1] if (text | lower).startswith(('http://', 'https://')) else text -%}
  {{- rest.lstrip('/').split('/')[0] -}}
{%- endmacro -%}
""",
    "has_userinfo": """\
{%- macro has_userinfo(value) -%}
  {%- set port = host(value).split(']')[-1].split(':')[1:] -%}
  {%- if '@' in value and ('@' in host(value) or port and not port[-1].isdecimal()) -%} yes {%- endif -%}
{%- endmacro -%}
""",
    "nameable": """\
{%- macro nameable(value) -%}
  {%- set schemed = (value | trim | lower).startswith(('http://', 'https://')) -%}
  {%- if not has_userinfo(value) -%} {{- value -}}
  {%- else -%} {{- (value | trim).split('://')[0] ~ '://' if schemed -}} …@ {{- value.split('@')[-1] -}} {%- endif -%}
{%- endmacro -%}
""",
    "address": """\
{%- macro address(name, most) -%}
  {%- set value = event.payload[name] -%}
  {{- text(name, most) -}}
  {%- if value and value is string -%}
    {%- if not host(value) or ' ' in host(value) or has_userinfo(value)
        or '://' in value and not (value | trim | lower).startswith(('http://', 'https://')) -%}
      {{- name }} is no web address;
    {%- endif -%}
  {%- endif -%}
{%- endmacro -%}
""",
    "word": """\
{%- macro word(name, words) -%}
  {%- if event.payload[name] not in words -%} {{ name }} is none of {{ words | join(', ') }}; {%- endif -%}
{%- endmacro -%}
""",
    "texts": """\
{%- macro texts(name, most, longest) -%}
  {%- set value = event.payload[name] -%}
  {%- if value is string or value is mapping or value is not sequence or value | reject('string') | list -%}
    {{- name }} needs a list of texts;
  {%- elif value | length > most -%} {{ name }} has more than {{ most }} entries;
  {%- elif value | map('length') | select('gt', longest) | list -%} {{ name }} has one longer than {{ longest }};
  {%- endif -%}
{%- endmacro -%}
""",
}


def triggers_of(entry: FlowEntry) -> list[DeploymentEventTrigger]:
    """What starts the flow, besides people and schedules."""
    if entry.event is not None:
        return [_on_request(entry, entry.event)]
    return [_on_end(entry)] if entry.name == SETTLES else []


def _on_request(entry: FlowEntry, kind: type[RequestEvent]) -> DeploymentEventTrigger:
    return DeploymentEventTrigger(
        name=trigger_name(entry),
        description=f"{_first_line(kind)} docs/events.md has its payload.",
        expect={kind.name},
        posture=Posture.Reactive,
        threshold=1,
        within=timedelta(0),
        parameters=event_parameters(kind),
    )


def _first_line(kind: type[RequestEvent]) -> str:
    return (kind.__doc__ or "").partition("\n")[0].replace("``", "`")


def _on_end(entry: FlowEntry) -> DeploymentEventTrigger:
    """Starts the flow for each run of our deployments that failed, was cancelled, or whose process died."""
    return DeploymentEventTrigger(
        name=trigger_name(entry),
        description="Ends in the data folder what such a run left open there, and tells its user.",
        expect={f"prefect.flow-run.{state}" for state in ("Failed", "TimedOut", "Crashed", "Cancelled")},
        match={"prefect.resource.id": "prefect.flow-run.*"},
        match_related={"prefect.resource.id": f"prefect.tag.{TAG}", "prefect.resource.role": "tag"},
        posture=Posture.Reactive,
        threshold=1,
        within=timedelta(0),
        parameters={
            "flow_run_id": _text("{{ event.resource.id | replace('prefect.flow-run.', '') }}"),
            "request_id": _text("{{ event.id }}"),
        },
    )


def trigger_name(entry: FlowEntry) -> str:
    """The name of the flow's automation."""
    return f"{entry.event.name if entry.event else 'a failed run'} starts {entry.name}"


def event_parameters(kind: type[RequestEvent]) -> dict[str, Any]:
    """Templates by parameter: the event's fields, and ``request_id``, which the flow's run claims."""
    fields: Mapping[str, Mapping[str, Any]] = kind.model_json_schema()["properties"]
    return {**{name: _template(name, field) for name, field in fields.items()}, "request_id": _request_id(kind)}


def _request_id(kind: type[RequestEvent]) -> dict[str, Any]:
    judged = "".join(_judged(kind))
    told = f"({{'{MALFORMED}': wrong}} if wrong else event.id | string) | tojson"
    return _json(
        f"{_macros_for(judged)}{{%- set found -%}}\n{judged}{{%- endset -%}}\n"
        "{%- set wrong = found.split(';') | map('trim') | select | join('; ') -%}\n"
        f"{{{{ {told} }}}}"
    )


def _macros_for(template: str) -> str:
    """The macros that ``template`` calls, and those that these call."""
    needed = ""
    for name, macro in reversed(_MACROS.items()):
        needed = macro + needed if f"{name}(" in template + needed else needed
    return needed


def _judged(kind: type[RequestEvent]) -> Iterator[str]:
    """Lines of a template that writes what is wrong with the payload, as ``read_request`` sees it.

    Of an address only the outside is seen: what no URL parser takes fails the run.
    """
    schema = kind.model_json_schema()
    names = list(schema["properties"])
    yield (
        f"{{%- if event.payload | reject('in', {names}) | list -%}}"
        f" fields other than {', '.join(names)}; {{%- endif -%}}\n"
    )
    for name, field in schema["properties"].items():
        plain = next((option for option in field.get("anyOf", ()) if option["type"] != "null"), field)
        call = f"{{{{- {_call(name, plain)} -}}}}\n"
        if name in schema["required"]:
            yield call
        else:
            given = f"event.payload['{name}'] is not none" if "anyOf" in field else "true"
            yield f"{{%- if '{name}' in event.payload and {given} -%}}{call.rstrip()}{{%- endif -%}}\n"
    if kind is BatchRequested:
        given = "(event.payload['batch_id'] is defined and event.payload['batch_id'] is not none)"
        yield f"{{%- if (not event.payload['urls']) != {given} -%}} give either urls or batch_id; {{%- endif -%}}\n"


def _call(name: str, field: Mapping[str, Any]) -> str:
    if field["type"] == "array":
        return f"texts('{name}', {field['maxItems']}, {field['items']['maxLength']})"
    if "enum" in field:
        return f"word('{name}', {field['enum']})"
    if name == "url":
        return f"address('{name}', {field['maxLength']})"
    if "pattern" in field:
        firsts = "".join(letter for letter in _ASCII if re.fullmatch(field["pattern"], letter))
        letters = "".join(letter for letter in _ASCII if re.fullmatch(field["pattern"], f"{firsts[0]}{letter}"))
        return f"text('{name}', {field['maxLength']}, '{letters}', '{firsts}')"
    return f"text('{name}', {field['maxLength']})"


def _template(name: str, field: Mapping[str, Any]) -> dict[str, Any]:
    if field.get("type") == "array":
        value = f"event.payload.{name}"
        texts = f"({value} if {value} is sequence and {value} is not string and {value} is not mapping else [])"
        entries = (
            f"{{%- for one in {texts} | map('string') -%}}\n"
            "{{ ',' if not loop.first }}{{ nameable(one) | tojson }}\n"
            "{%- endfor -%}"
        )
        return _json(f"{_macros_for(entries)}[{entries}]")
    value = f"event.payload['{name}']"
    if "anyOf" in field:
        return _json(f"{{{{ ({value} | string if {value} else none) | tojson }}}}")
    if "default" in field:
        return _text(f"{{{{ {value} | default('{field['default']}') }}}}")
    return _text(f"{{{{ {value} }}}}")


def _text(template: str) -> dict[str, Any]:
    """Text: a bare string with an expression would keep the value's type, and so an object that Prefect replaces."""
    return {"__prefect_kind": "jinja", "template": template}


def _json(template: str) -> dict[str, Any]:
    return {"__prefect_kind": "json", "value": _text(template)}
