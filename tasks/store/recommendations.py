"""Advice on pages, by run."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, select

from tasks.store.catalogue import Catalogue, text_safe
from tasks.store.schema import recommendations
from tasks.store.service_records import NewRecommendation, Recommendation, Source


class Recommendations:
    """The latest advice of each run on each page, in the order given."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def save(
        self,
        run_id: str,
        page_id: str,
        url: str,
        items: Sequence[NewRecommendation],
        *,
        source: Source,
        model: str = "",
        template_version: int | None = None,
    ) -> int:
        """Replaces what the run advised on the page; returns how many there are now."""
        of_all = {
            "run_id": run_id,
            "page_id": page_id,
            "url": text_safe(url),
            "source": source,
            "model": text_safe(model),
            "template_version": template_version,
            "created_at": time.time(),
        }
        rows = [{**of_all, **_row(item)} for item in items]
        earlier = (recommendations.c.run_id == run_id, recommendations.c.page_id == page_id)
        with self._catalogue.write() as connection:
            connection.execute(delete(recommendations).where(*earlier))
            if rows:
                connection.execute(recommendations.insert(), rows)
        return len(rows)

    def of_page(self, page_id: str, run_id: str | None = None) -> list[Recommendation]:
        """Advice of the run, or of the last that had any."""
        this = recommendations.c.page_id == page_id
        if run_id is not None:
            return self._where(this, recommendations.c.run_id == run_id)
        newest = select(recommendations.c.run_id).where(this).order_by(recommendations.c.id.desc()).limit(1)
        return self._where(this, recommendations.c.run_id == newest.scalar_subquery())

    def of_run(self, run_id: str) -> list[Recommendation]:
        return self._where(recommendations.c.run_id == run_id)

    def _where(self, *conditions: ColumnElement[bool]) -> list[Recommendation]:
        query = select(recommendations).where(*conditions).order_by(recommendations.c.id)
        with self._catalogue.read() as connection:
            return [_recommendation(row) for row in connection.execute(query)]


def _row(item: NewRecommendation) -> dict[str, Any]:
    return {
        "title": text_safe(item.title),
        "description": text_safe(item.description),
        "priority": item.priority,
        "category": text_safe(item.category),
        "findings": json.dumps(item.findings),
        "rules": json.dumps(item.rules),
        "proposed_title": text_safe(item.proposed_title),
        "proposed_description": text_safe(item.proposed_description),
        "proposed_json_ld": text_safe(item.proposed_json_ld),
    }


def _recommendation(row: Any) -> Recommendation:
    return Recommendation(
        id=row.id,
        run_id=row.run_id,
        page_id=row.page_id,
        url=row.url,
        title=row.title,
        description=row.description,
        priority=row.priority,
        category=row.category,
        findings=tuple(json.loads(row.findings)),
        rules=tuple(json.loads(row.rules)),
        proposed_title=row.proposed_title,
        proposed_description=row.proposed_description,
        proposed_json_ld=row.proposed_json_ld,
        source=row.source,
        model=row.model,
        template_version=row.template_version,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
    )
