"""The HTTP side of a worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated

from fastapi import Body, FastAPI, HTTPException
from fastapi.responses import JSONResponse

from vox_agents import bodies
from vox_agents.registry import AwayError
from vox_agents.slot import FullError
from vox_agents.worker import Worker

LONGEST_CALL_SECONDS = 3600
FRESH = {"Cache-Control": "no-store"}


def create_app(worker: Worker) -> FastAPI:
    """Return the application of a worker; it registers when it starts and leaves when it stops."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await worker.register()
        refresh = asyncio.create_task(worker.stay_registered())
        yield
        refresh.cancel()
        await worker.leave()

    app = FastAPI(title=bodies.SERVICE, openapi_url=None, lifespan=lifespan)

    @app.get("/health")
    async def health() -> JSONResponse:
        # Registering is the proof that the registry is there.
        registered = await worker.register()
        match (worker.draining, registered):
            case (True, _):
                status = "draining"
            case (_, True):
                status = "ok"
            case _:
                status = "degraded"
        body = bodies.health(status, worker.identity, worker.pipecat, worker.entry)
        code = HTTPStatus.OK if status == "ok" else HTTPStatus.SERVICE_UNAVAILABLE
        return JSONResponse(body, status_code=code, headers=FRESH)

    @app.get("/health/fleet")
    async def fleet() -> JSONResponse:
        try:
            entries = await worker.registry.entries()
        except AwayError:
            # No sums: what was not seen is not zero.
            body = {"status": "degraded", "detail": "the registry of workers cannot be read"}
            return JSONResponse(body, HTTPStatus.SERVICE_UNAVAILABLE, headers=FRESH)
        return JSONResponse(bodies.fleet(entries), headers=FRESH)

    @app.post("/calls", status_code=HTTPStatus.ACCEPTED)
    async def begin_call(
        seconds: Annotated[float, Body(embed=True, gt=0, le=LONGEST_CALL_SECONDS)],
    ) -> dict[str, str | float]:
        if worker.draining:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "this worker is draining")
        try:
            worker.slot.begin(seconds)
        except FullError:
            raise HTTPException(HTTPStatus.CONFLICT, "the call slot is taken") from None
        await worker.register()
        return bodies.accepted(worker.entry, seconds)

    return app
