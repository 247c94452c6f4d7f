# ruff: noqa: INP001 - a script, and no package around it
"""Prints what is pushed to channels of yours: ``python docs/listen.py private-user-ann private-project-tea``.

The settings are those of the service: PUSHER_KEY, PUSHER_HOST, PUSHER_PORT and PUSHER_SSL, or PUSHER_CLUSTER for
Pusher's own; SEO_API is the address of `seo api`, which signs the subscriptions, and SEO_KEY the API key for it.
"""

import os
import sys
import threading
from functools import partial

import pysher

EVENTS = ("notification-received", "analysis-complete", "batch-progress")


def connected() -> pysher.Pusher:
    secure = os.environ.get("PUSHER_SSL", "true") != "false"
    return pysher.Pusher(
        os.environ["PUSHER_KEY"],
        cluster=os.environ.get("PUSHER_CLUSTER", ""),
        custom_host=os.environ.get("PUSHER_HOST", ""),
        port=int(os.environ.get("PUSHER_PORT") or (443 if secure else 80)),
        secure=secure,
        auth_endpoint=f"{os.environ.get('SEO_API', 'http://127.0.0.1:8000')}/pusher/auth",
        auth_endpoint_headers={"Authorization": f"Bearer {os.environ['SEO_KEY']}"},
    )


def listen(channels: list[str]) -> None:
    """Subscribes whenever the connection is up, for a signature holds for one connection."""
    pusher = connected()

    def subscribe(_: str) -> None:
        for name in channels:
            try:
                channel = pusher.subscribe(name)
            except AssertionError as error:  # how Pysher says that nobody signed
                say(name, "refused", str(error))
                continue
            channel.bind("pusher_internal:subscription_succeeded", partial(say, name, "subscribed"))
            for event in EVENTS:
                channel.bind(event, partial(say, name, event))

    pusher.connection.bind("pusher:connection_established", subscribe)
    pusher.connect()
    threading.Event().wait()


def say(channel: str, event: str, data: str | None) -> None:
    sys.stdout.write(f"{channel} {event} {data or ''}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        listen(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(0)
