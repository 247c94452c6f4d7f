"""Requests for work and the run that answers each: the first that claimed it."""

import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, select, update

from tasks.store.catalogue import Catalogue, check_id, check_run_id, upsert
from tasks.store.schema import requests
from tasks.store.service_records import Claim, Origin, Request

AROUND_WORK = ("cancel-run", "send-notification")
"""Flows that do nothing of their own: they end work, or tell of it."""

WAITING_SECONDS = 86400.0
"""A request that did not begin for so long is given up."""

QUEUED: tuple[Origin, ...] = ("api", "webhook", "trigger")
"""Where requests come from that count as waiting."""


class Requests:
    """Claims, each for good: what is done once is the work, however often it is asked for."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def claim(
        self,
        request_id: str,
        run_id: str,
        *,
        flow: str,
        user_id: str,
        payload: str = "{}",
        flow_run_id: str | None = None,
        origin: Origin = "local",
    ) -> Claim:
        """Claims the request for the run, unless someone was first.

        ``flow_run_id`` is of the run of Prefect that does the work itself: it takes up what was claimed for
        ``run_id`` and confirms it, and claiming again, in a retry, it goes on. No other run of Prefect does.

        Raises:
            InputError: an id that cannot be.
        """
        check_id("request", request_id)
        check_run_id(run_id)
        now = time.time()
        values = {
            "request_id": request_id,
            "run_id": run_id,
            "claimed_at": now,
            "flow": flow,
            "user_id": user_id,
            "payload": payload,
            "origin": origin,
        }
        this = requests.c.request_id == request_id
        with self._catalogue.write() as connection:
            insert = upsert(connection, requests).values(**values).on_conflict_do_nothing()
            first = connection.execute(insert.returning(requests.c.request_id)).first() is not None
            row = connection.execute(select(requests).where(this)).one()
            if flow_run_id is not None and _takes_up(row, run_id, flow_run_id):
                first = True
                connection.execute(update(requests).where(this).values(_confirmed(flow_run_id, now)))
                row = connection.execute(select(requests).where(this)).one()
        return Claim(
            request_id=request_id,
            run_id=row.run_id,
            flow=row.flow,
            first=first,
            confirmed=row.confirmed_at is not None,
            flow_run_id=row.flow_run_id,
            claimed_at=datetime.fromtimestamp(row.claimed_at, UTC),
        )

    def get(self, request_id: str) -> Request | None:
        """What was asked under that id; None where nothing was."""
        with self._catalogue.read() as connection:
            row = connection.execute(select(requests).where(requests.c.request_id == request_id)).first()
        return None if row is None else _request(row)

    def of_run(self, run_id: str, user_id: str) -> Request | None:
        """The user's first request that the run answers; None where there is none."""
        mine = (requests.c.user_id == user_id, requests.c.run_id == run_id)
        with self._catalogue.read() as connection:
            row = connection.execute(select(requests).where(*mine).order_by(requests.c.claimed_at)).first()
        return None if row is None else _request(row)

    def work_of(self, run_id: str) -> Request | None:
        """The first request for work that the run answers, whoever asked; None where there is none."""
        work = (requests.c.run_id == run_id, requests.c.flow.not_in(AROUND_WORK))
        with self._catalogue.read() as connection:
            row = connection.execute(select(requests).where(*work).order_by(requests.c.claimed_at)).first()
        return None if row is None else _request(row)

    def withdraw(self, request_id: str) -> None:
        """Forgets a claim whose start is not known to have happened: who asked was told so, and will ask anew."""
        this = (requests.c.request_id == request_id, requests.c.confirmed_at.is_(None))
        with self._catalogue.write() as connection:
            connection.execute(delete(requests).where(*this))

    def confirm(self, request_id: str, flow_run_id: str | None) -> None:
        """Notes that the start of the claim's flow is certain."""
        change = update(requests).where(requests.c.request_id == request_id)
        with self._catalogue.write() as connection:
            connection.execute(change.values(_confirmed(flow_run_id, time.time())))

    def begin(self, request_id: str, flow_run_id: str | None) -> None:
        """Notes that the claim's flow began to work, maybe once more: it waits no longer, and has not ended."""
        now, this = time.time(), requests.c.request_id == request_id
        begun = {"begun_at": func.coalesce(requests.c.begun_at, now), "ended_as": None}
        with self._catalogue.write() as connection:
            connection.execute(update(requests).where(this).values(_confirmed(flow_run_id, now) | begun))

    def end(self, flow_run_id: str, state: str) -> None:
        """Notes how the run of Prefect ended that was to answer them: they wait no longer."""
        begun = func.coalesce(requests.c.begun_at, time.time())
        change = update(requests).where(requests.c.flow_run_id == flow_run_id)
        with self._catalogue.write() as connection:
            connection.execute(change.values(ended_as=state, begun_at=begun))

    def reopen(self, request_id: str) -> None:
        """Has the request answered anew, by the same run: whoever began on it died before its end."""
        change = update(requests).where(requests.c.request_id == request_id)
        with self._catalogue.write() as connection:
            connection.execute(change.values(flow_run_id=None, confirmed_at=None, begun_at=None, ended_as=None))

    def flow_runs(self, run_id: str) -> list[str]:
        """Prefect's ids of the flow runs that answer requests under this run, oldest first."""
        known = (requests.c.run_id == run_id, requests.c.flow_run_id.is_not(None))
        query = select(requests.c.flow_run_id).where(*known).order_by(requests.c.claimed_at)
        with self._catalogue.read() as connection:
            return list(connection.execute(query).scalars())

    def waiting(self, user_id: str) -> int:
        """Requests of the user from outside, of the last 24 hours, whose flow did not begin to work."""
        query = select(func.count()).where(
            requests.c.user_id == user_id,
            requests.c.begun_at.is_(None),
            requests.c.claimed_at > time.time() - WAITING_SECONDS,
            requests.c.origin.in_(QUEUED),
        )
        with self._catalogue.read() as connection:
            return connection.execute(query).scalar_one()

    def unconfirmed(self, older_than_s: float = 30.0, limit: int = 100) -> list[Request]:
        """Claims of which nobody knows that their flow started, oldest first."""
        query = (
            select(requests)
            .where(requests.c.confirmed_at.is_(None), requests.c.claimed_at <= time.time() - older_than_s)
            .order_by(requests.c.claimed_at, requests.c.request_id)
            .limit(limit)
        )
        with self._catalogue.read() as connection:
            return [_request(row) for row in connection.execute(query)]


def _takes_up(row: Any, run_id: str, flow_run_id: str) -> bool:
    if row.flow_run_id is None:
        return bool(row.run_id == run_id)
    return bool(row.flow_run_id == flow_run_id)


def _confirmed(flow_run_id: str | None, now: float) -> dict[str, Any]:
    return {
        "flow_run_id": func.coalesce(requests.c.flow_run_id, flow_run_id),
        "confirmed_at": func.coalesce(requests.c.confirmed_at, now),
    }


def _request(row: Any) -> Request:
    return Request(
        request_id=row.request_id,
        run_id=row.run_id,
        flow=row.flow,
        user_id=row.user_id,
        payload=row.payload,
        origin=row.origin,
        claimed_at=datetime.fromtimestamp(row.claimed_at, UTC),
        flow_run_id=row.flow_run_id,
        begun_at=None if row.begun_at is None else datetime.fromtimestamp(row.begun_at, UTC),
        ended_as=row.ended_as,
    )
