"""Whether the door works."""

from fastapi import APIRouter

from deployments.api.door import TheDoor
from deployments.api.models import Health

router = APIRouter(tags=["health"])


@router.get("/health")
async def health(door: TheDoor) -> Health:
    """Whether this server works, and whether Prefect answers it; without Prefect nothing can be queued."""
    if await door.prefect_answers():
        return Health(status="ok", prefect="ok")
    return Health(status="degraded", prefect="away")
