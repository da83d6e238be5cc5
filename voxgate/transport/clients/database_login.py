"""Whether a database tells anything to who has not logged in."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from pymongo.errors import OperationFailure, PyMongoError

from voxgate.errors import VoxgateError
from voxgate.transport.clients.database import LOOK_AT_MOST, client_of, new_name, split, uri_of
from voxgate.transport.clients.records import UNAUTHORIZED, answer_of
from voxgate.transport.deadline import Deadline
from voxgate.transport.ssh.forward import forward

if TYPE_CHECKING:
    from voxgate.model.database import Database
    from voxgate.transport.ssh.connections import Connections


def wants_login(connections: Connections, database: Database, deadline: float = 5.0) -> bool:
    """True where the server of ``database`` refuses who has not logged in, as it is seen by a client that does not: whoever has a
    connection there and no user works with nothing. False also where that could not be seen. ``deadline`` in seconds.
    """
    until = Deadline.after(deadline)
    try:
        with ExitStack() as stack:
            (host, port), _, rest = split(uri_of(database))
            if database.via is not None:
                way = stack.enter_context(
                    forward(connections[database.via], host, port, deadline=until.remaining, limit=LOOK_AT_MOST)
                )
                host, port = way.address, way.port
            path, _, query = rest.partition("?")
            options = "&".join(one for one in query.split("&") if not one.lower().startswith("auth"))
            place = f"[{host}]" if ":" in host else host
            uri = f"mongodb://{place}:{port}/{path}{'?' if options else ''}{options}"
            answer_of(stack.enter_context(client_of(uri, until, new_name(), direct=True)), {"currentOp": 1, "$all": True})
    except OperationFailure as error:
        return error.code in UNAUTHORIZED
    except (VoxgateError, PyMongoError, ValueError):
        return False
    return False
