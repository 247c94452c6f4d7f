"""Record events: Prefect is told what was done."""

from prefect.events import emit_event

from tasks.events import Event


def record(event: Event) -> None:
    """Emits a record event. Best effort and without waiting: the data is what counts, Prefect logs what it cannot send.

    An event that asks for work is never emitted here: it would start the work a second time.
    """
    emit_event(
        event=event.name,
        resource={"prefect.resource.id": event.resource_id},
        payload=event.model_dump(mode="json"),
    )
