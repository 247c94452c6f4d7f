"""docs/events.md: every event, what it starts and its JSON Schema. Write it with ``python -m flows.manual``."""

import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from flows.registry import FLOWS
from tasks.events import HYDRATED, MAX_EVENT_URLS, RECORDS, REQUESTS, Event

PAGE = Path("docs/events.md")

_OPENING = f"""\
# Events

Written by `python -m flows.manual`; a test compares.

A *request* asks for work. `POST /webhooks/events`, `prefect event emit` and the outbox take the same payloads. Each is
done once for its id: the event's id, or the one that the webhook names. A *record* tells what was done; it has another
name than any request, so it starts nothing.

Payloads are flat, and nothing else may be in them. The key `{HYDRATED}` is refused at any depth, since Prefect's server
would replace what it stands in. `urls` is the one list, of {MAX_EVENT_URLS} addresses at most; more go by `batch_id`.
A line with a user name or password becomes a page that failed, and is kept without them: `https://…@example.com/`.

The primary resource of an event (`prefect.resource.id`) is what it is about, such as `seo.page.1f3a…` or
`seo.project.default`.
"""


def render() -> str:
    return "\n".join((_OPENING, "## Requests\n", *_sections(REQUESTS), "## Records\n", *_sections(RECORDS)))


def _sections(events: Mapping[str, type[Event]]) -> Iterator[str]:
    return (_section(event) for event in events.values())


def _section(event: type[Event]) -> str:
    field, kind = event.about
    started = next((entry.name for entry in FLOWS.values() if entry.event is event), None)
    starts = f" Starts the flow `{started}`." if started else ""
    meaning = " ".join(inspect.cleandoc(event.__doc__ or "").split()).replace("``", "`")
    schema = event.model_json_schema()
    schema.pop("description", None)
    written = json.dumps(schema, indent=2)
    return f"""\
### {event.name}

{meaning}{starts} About `seo.{kind}.<{field}>`.

```json
{written}
```
"""


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
