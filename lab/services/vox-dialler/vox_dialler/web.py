"""The HTTP side of the dialler: is it well, and its metrics."""

from http import HTTPStatus

from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vox_dialler.identity import Identity, rfc3339
from vox_dialler.loop import TickLoop
from vox_dialler.metrics import Metrics

SERVICE = "vox-dialler"
FRESH = {"Cache-Control": "no-store"}


def create_app(identity: Identity, database: str, loop: TickLoop, metrics: Metrics) -> Starlette:
    """Return the application that tells of `loop` and the database with that name."""

    async def health(_: Request) -> JSONResponse:
        stalled = loop.stalled
        body = {
            "status": "stalled" if stalled else "ok",
            "service": SERVICE,
            **identity.fields(),
            "database": database,
            "ticks": loop.ticks,
            "last_tick_at": rfc3339(loop.last_tick_at) if loop.last_tick_at else None,
            "tick_interval_seconds": loop.interval,
        }
        code = HTTPStatus.SERVICE_UNAVAILABLE if stalled else HTTPStatus.OK
        return JSONResponse(body, status_code=code, headers=FRESH)

    async def exposition(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(metrics.registry), headers={"Content-Type": content_type, **FRESH})

    return Starlette(routes=[Route("/health", health), Route("/metrics", exposition)])
