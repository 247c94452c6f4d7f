"""The application: its routes and what stands before them."""

from importlib.metadata import version

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from deployments.api.door import Door
from deployments.api.front import Bodies, Hosts, Keys, Shielded
from deployments.api.problems import on_http, on_unusable
from deployments.api.routes import channels, health, notifications, results, scans, webhooks

DESCRIPTION = """\
Scan pages and read what was found. Every refusal is an object of code, message and fields. Requests carry an API key
that `seo keys add USER` made; events from outside systems are signed instead."""


def create_app(door: Door) -> FastAPI:
    """The application behind ``door``, whose store stays the caller's to close."""
    app = FastAPI(
        title="seo-scan",
        version=version("seo-scan"),
        description=DESCRIPTION,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        generate_unique_id_function=lambda route: route.name,
        middleware=[
            Middleware(Shielded),
            Middleware(Hosts, names=door.names),
            Middleware(Keys, store=door.store),
            Middleware(Bodies),
        ],
        exception_handlers={RequestValidationError: on_unusable, HTTPException: on_http},
    )
    app.state.door = door
    for routes in (scans, results, notifications, channels, webhooks, health):
        app.include_router(routes.router)
    return app
