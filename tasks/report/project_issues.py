"""Issues of a project: of each page as it was last scanned, or as one run saw them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.model import Severity
from tasks.report.found import ISSUE_COLUMNS, SEVERITY_RANK
from tasks.store import connect


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which issues; without a run, those of each page's newest one."""

    project_id: str
    run_id: str | None = None
    rule: str | None = None
    severity: Severity | None = None


def project_issues(data: Path | str, chosen: Chosen, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """Rows of ``ISSUE_COLUMNS``, most severe first, then by rule and address; ``evidence`` as an object.

    ``page_id`` is empty for what the newest crawl found of the site as a whole.
    """
    conditions = " AND ".join(f"{name} = ${name}" for name in ("rule", "severity") if getattr(chosen, name)) or "true"
    values = {"project_id": chosen.project_id, "limit": limit, "offset": offset}
    values |= {name: value for name in ("run_id", "rule", "severity") if (value := getattr(chosen, name))}
    shown = _OF_RUN if chosen.run_id else _NEWEST
    with connect(data, ("issues", "pages", "runs"), [chosen.run_id] if chosen.run_id else None) as facts:
        rows = facts.execute(
            f"""
            SELECT {", ".join(f"issues.{name}" for name in ISSUE_COLUMNS)}
            FROM issues JOIN ({shown}) shown USING ({"run_id" if chosen.run_id else "run_id, page_id"})
            WHERE {conditions}
            ORDER BY {SEVERITY_RANK}, rule, url, fingerprint LIMIT $limit OFFSET $offset
            """,  # noqa: S608 - column names and queries of this module
            values,
        ).fetchall()
    found = [dict(zip(ISSUE_COLUMNS, row, strict=True)) for row in rows]
    return [{**issue, "evidence": json.loads(issue["evidence"])} for issue in found]


_OF_RUN = "SELECT run_id FROM runs WHERE project_id = $project_id AND run_id = $run_id"
_NEWEST = """
    SELECT pages.run_id, pages.page_id FROM pages JOIN runs USING (run_id)
    WHERE runs.project_id = $project_id
    QUALIFY row_number() OVER (PARTITION BY pages.page_id ORDER BY runs.started_at DESC, pages.run_id DESC) = 1
    UNION ALL
    SELECT max_by(run_id, started_at), '' FROM runs WHERE project_id = $project_id AND kind = 'crawl'
"""
