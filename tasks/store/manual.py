"""docs/data.md: what is stored, column by column. Write it with ``python -m tasks.store.manual``."""

from collections.abc import Iterable
from pathlib import Path

from tasks.store.catalogue_views import CATALOGUE_VIEWS
from tasks.store.columns import FACT_TABLES, PAGES
from tasks.store.migrations import SCHEMA_VERSION
from tasks.store.views import SITE_PAGES, SITE_PAGES_DOC, shown_columns, shown_site_pages

PAGE = Path("docs/data.md")

_UNPUBLISHED = "Not in `catalog.duckdb`: it changes between runs."

_OPENING = f"""\
# The data

Written by `python -m tasks.store.manual`; a test compares. Schema version {SCHEMA_VERSION}.

A data folder holds

- `catalogue.sqlite`: runs, page states, which parts are live.
- `facts/<table>/<run>/part-*.parquet`: the facts, immutable. Read them through the views, never by globbing: a file
  that the catalogue does not name is not part of the data.
- `catalog.duckdb`: the views for any DuckDB tool, brought up to date while runs go on and at their end. It names the
  facts by absolute paths: use `seo sql` on a folder that was moved until its next run.
- `results/`: Prefect's cached task results. `lists/`: the list of a batch until its run has ended. `tmp/`: what a query
  on a large run needs beside memory, while it runs. What a process left there that was killed is swept later.

```python
from tasks.store import connect

with connect("data") as db:
    print(db.sql("SELECT rule, count(*) FROM issues WHERE run_id = (SELECT max(run_id) FROM runs) GROUP BY rule"))
```

`seo sql "SELECT …"` asks the same views. Times are UTC, in JSON and CSV written as
`2026-11-23T15:30:01Z`. A page shown from an earlier run appears in every view under each run that shows it, so every
query that means one run names it: `WHERE run_id = '…'`.

An address that redirects has one row. A scan or batch follows it: the row has the facts of the page at the end
(`final_url`). In a crawl the page at the end has a row of its own, and that of the redirect has no facts: `final_url`
and `status` say where it ends, and `not_indexable` is `redirect`, or `not fetched: …` where it ends nowhere. The steps
are in `redirects` either way.

The newest row of each address, whatever run has it:

```sql
SELECT p.* FROM pages p JOIN runs r USING (run_id)
QUALIFY row_number() OVER (PARTITION BY p.page_id ORDER BY r.started_at DESC) = 1
```

What a run has that an earlier one had not; with the two ids exchanged, what is gone since:

```sql
SELECT url, rule, message FROM issues
WHERE run_id = '20261123-153001-k3f9aa'
    AND fingerprint NOT IN (SELECT fingerprint FROM issues WHERE run_id = '20261116-153001-b7m2qd')
```

A page that only one of the runs looked at counts as well: of a crawl, `changes` says which pages are new or gone.
"""  # noqa: S608 - a sample query

_LIMITS = """\
## How much of a page is kept

Bodies are read up to 15 MiB (`max_body` of the SEO Crawler block). Of one page are kept at most

| `cut` | at most |
|---|---|
| `links` | 100,000; fewer under a base of more than 1,000 characters |
| `images` | 10,000 |
| `resources` | 5,000 |
| `headings`, `titles`, `meta-elements`, `link-elements` | 2,000 of each |
| `structured-data`, `robots-directives` | 1,000 of each |
| `text` | 1,000,000 characters; what is counted and compared is theirs |

and 10,000 characters of one value, 2,000 of one link's text. The column `cut` of `pages` names what a page has more of,
and `seo page` shows it. Where pages of a crawl have more links, depth, inlinks and PageRank lack them: its summary says
so, and site rules that rest on all links are `unknown`, as in an incomplete crawl.
"""

_PAGE_OBJECT = """\
## The page object

`seo page URL --format json`, `seo batch … --format jsonl` and `Store.page_object` give one JSON object a page:

```text
run_id, page_id, url, final_url, status, outcome, reason, not_modified,
redirects[{url, status, location}],
facts{title, titles[…], meta_description, meta_keywords, canonicals[…], robots[{agent, directives, source}],
      headings[{level, text}], images[{src, alt}], links[{url, text, rel, position, internal}], hreflang[{lang, url}],
      structured_data[{format, type, data, errors}], open_graph{…}, twitter{…}, resources[{kind, url}], fetched_at, …},
rendered{title, …}                     null where no browser opened it
issues[{rule, severity, category, message, evidence, fingerprint}],
results[{rule, outcome, why}]          only with --all-results
```

Facts not described here are the columns of `pages` of the same name; `rendered` has those of the table. `titles` are
texts and `canonicals` addresses (as written where they are none); `open_graph` and `twitter` name the first value of
each property; `type` is one type, a list of several or null; `data` is the parsed JSON, or the text as found where it
cannot be read. Which of them landed outside head, and every repeated property, is in the columns of `pages`. A page
that is not done yet has its state (`pending`, `leased`) as `outcome` and no facts. `not_modified`: the server said that
it did not change; facts and issues are those of its last full answer.
"""


def render() -> str:
    facts = (_section(table.name, table.doc, shown_columns(table)) for table in FACT_TABLES)
    known = {name for name, _, _ in shown_columns(PAGES)}
    further = (column for column in shown_site_pages() if column[0] not in known)
    site_pages = _section(SITE_PAGES, f"{SITE_PAGES_DOC} The columns of `pages`, and:", further)
    others = (
        _section(
            view.name,
            view.doc if view.published else f"{view.doc} {_UNPUBLISHED}",
            ((shown.name, shown.dtype, shown.doc) for shown in view.columns),
        )
        for view in CATALOGUE_VIEWS
    )
    return "\n".join((_OPENING, *facts, site_pages, *others, _LIMITS, _PAGE_OBJECT))


def _section(name: str, doc: str, columns: Iterable[tuple[str, str, str]]) -> str:
    rows = "".join(f"| `{column}` | `{dtype}` | {meaning} |\n" for column, dtype, meaning in columns)
    return f"## {name}\n\n{doc}\n\n| column | type | meaning |\n|---|---|---|\n{rows}"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
