"""A temporary Prefect server for commands run where no API is configured.

Run as ``python -m deployments.cli.prefect_server SOCKET LOCK``: a listening socket's descriptor and a file to lock.
It ends with the process that started it, once the records still in its queues are written.
"""

import fcntl
import os
import signal
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn

LOOK_EVERY = 0.2
DRAIN_SECONDS = 2.5
KILL_SECONDS = 4.0

SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
    # One row at a time, the default, loses records of a burst.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "1",
}


def main() -> None:
    """Serves until the process that started it has ended; the lock is held until the database is migrated."""
    listening, lock, parent = socket.socket(fileno=int(sys.argv[1])), sys.argv[2], os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_unstarted, args=(parent,), daemon=True).start()
    os.environ.update(SETTINGS)

    import uvicorn  # noqa: PLC0415 - reads the environment set above
    from prefect.server.api.server import create_app  # noqa: PLC0415

    config = uvicorn.Config(create_app, factory=True, log_level="critical", lifespan="on")
    server = uvicorn.Server(config)
    # Two servers that migrate one fresh database at once break each other.
    with open(lock, "w") as held:  # noqa: PTH123 - a bare descriptor for flock
        fcntl.flock(held, fcntl.LOCK_EX)
        threading.Thread(target=_serve_until_orphaned, args=(server, parent, held.fileno()), daemon=True).start()
        server.run(sockets=[listening])


def _serve_until_orphaned(server: "uvicorn.Server", parent: int, lock: int) -> None:
    while not server.started and os.getppid() == parent:
        time.sleep(LOOK_EVERY)
    fcntl.flock(lock, fcntl.LOCK_UN)
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY)
    time.sleep(DRAIN_SECONDS)
    server.should_exit = True


def _end_unstarted(parent: int) -> None:
    """Ends the process by force where a parent's death finds it still importing, or hanging at its end."""
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY)
    time.sleep(DRAIN_SECONDS + KILL_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main()
