"""The HTTP side of the backend."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Protocol

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from vox_backend.identity import Identity
from vox_backend.ping import pong

SERVICE = "vox-backend"


class Checked(Protocol):
    """What the health page needs of the stores."""

    async def check(self) -> dict[str, str]:
        """Return the state of each store by its name."""

    async def close(self) -> None:
        """Close all connections."""


def create_app(identity: Identity, stores: Checked) -> FastAPI:
    """Return the application of one process; it closes `stores` when it stops."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await stores.close()

    # On the service's own port only: nginx hands on /health and /api/.
    app = FastAPI(title=SERVICE, docs_url=None, redoc_url=None, lifespan=lifespan)

    @app.get("/health")
    async def health() -> JSONResponse:
        checks = await stores.check()
        well = all(state == "ok" for state in checks.values())
        body = {
            "status": "ok" if well else "degraded",
            "service": SERVICE,
            **identity.fields(),
            "checks": checks,
        }
        status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
        return JSONResponse(body, status_code=status, headers={"Cache-Control": "no-store"})

    @app.get("/api/ping")
    async def ping() -> JSONResponse:
        return JSONResponse(pong(identity))

    return app
