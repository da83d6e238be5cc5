"""What services promise each other, each a test: what one reads that another wrote or answers."""

from __future__ import annotations

import re
from typing import Any

from voxgate.contracts.metrics import types_of
from voxgate.contracts.records import ENTRY, LONGEST_LIFE, RECORDS
from voxgate.contracts.releases_answers import compared, read_answers
from voxgate.contracts.schemas import faults, schema
from voxgate.promises.answers import gathered
from voxgate.promises.contract import Contract, promise
from voxgate.promises.records import entry, newest, placed
from voxgate.promises.site import addresses, calls, keys, named, pictures, scripts

CHECKED_WITHIN = 1.0  # seconds: HAProxy's `inter`; a check that takes longer is one that failed
_HASHED = re.compile(r"[-.][A-Za-z0-9_-]{8,}\.(?:js|mjs|css)$")


@promise(services=("fleet",))
def test_haproxy_s_check_is_answered(contract: Contract) -> None:
    """HAProxy asks GET /health as HTTP/1.0, without Host, once a second: 200, or no call is led here."""
    line, seconds = contract.ask.timed(f"GET {contract.health.path} HTTP/1.0\r\n\r\n".encode())
    status = line.decode("latin-1").split(" ")[1:2]
    assert status == ["200"], f"HAProxy's check, GET {contract.health.path} HTTP/1.0, is answered by {line!r}"
    assert seconds < contract.within(CHECKED_WITHIN), (
        f"HAProxy's check took {seconds:.1f} s, and one is due each {CHECKED_WITHIN:g} s"
    )


@promise(services=("fleet",), needs="REDIS_URL")
def test_its_registry_entry_keeps_the_contract(contract: Contract) -> None:
    """Its entry in Redis, vox:workers:<host>/<N>, is what all workers read: by its schema, the same as its health says."""
    own = contract.page().document
    found = entry(contract.settings["REDIS_URL"], str(own.get("worker")))
    assert found is not None, f"there is no vox:workers:{own.get('worker')} in Redis"
    broken = faults(ENTRY, found.said)
    assert not broken, f"vox:workers:{own.get('worker')} breaks the contract {ENTRY}: {broken[0]}"
    other = [(name, found.said[name], own.get(key)) for name, key in _SAME.items() if found.said[name] != own.get(key)]
    assert not other, f"its entry says {other[0][0]} {other[0][1]!r}, its health {other[0][2]!r}"


_SAME = {"id": "worker", "max": "worker_max", "commit": "commit"}


@promise(services=("fleet",), needs="REDIS_URL")
def test_its_registry_entry_runs_out(contract: Contract) -> None:
    """Its entry has an end of its own, in seconds: one that stays leads calls to a worker that is dead."""
    worker = str(contract.page().document.get("worker"))
    found = entry(contract.settings["REDIS_URL"], worker)
    assert found is not None, f"there is no vox:workers:{worker} in Redis"
    assert found.lives != -1, f"vox:workers:{worker} never runs out"
    assert found.lives <= LONGEST_LIFE, f"vox:workers:{worker} runs out in {found.lives / 1000:.0f} s only"


@promise(services=("fleet",), needs="REDIS_URL", starts=True, last=1)
def test_it_leaves_the_registry(contract: Contract) -> None:
    """After SIGTERM its entry is gone at once: until it is, calls are led to a worker that is not there."""
    worker = str(contract.page().document.get("worker"))
    assert contract.begun.started is not None
    contract.begun.started.stop()
    found = entry(contract.settings["REDIS_URL"], worker)
    assert found is None, f"vox:workers:{worker} is there after its worker has ended"


@promise(services=("dialler",), needs="MONGODB_URI")
def test_its_records_keep_the_contract(contract: Contract) -> None:
    """Its ticks and its process in MongoDB are of the form by which two diallers on one database are seen."""
    pid = int(contract.page().document.get("pid", 0))
    for collection, name in RECORDS.items():
        found = newest(contract.settings["MONGODB_URI"], collection, pid)
        assert found is not None, f"collection {collection} has no record of its process"
        broken = faults(name, found)
        assert not broken, f"its record in {collection} breaks the contract {name}: {broken[0]}"


@promise(services=("dialler",), needs="MONGODB_URI", starts=True, local=True)
def test_it_places_a_due_call(contract: Contract) -> None:
    """A call that is due is claimed within a few ticks, and says by which trunk, when and by whom."""
    page = contract.page().document
    seconds = contract.within(max(5 * float(page.get("tick_interval_seconds", 1)), 3.0))
    found = placed(contract.settings["MONGODB_URI"], seconds)
    assert found is not None, "the call is gone from calls"
    assert found["state"] != "due", f"a call is due for {seconds:.0f} s, and nobody claimed it"
    broken = faults("dialled-call", found)
    assert not broken, f"the call that it placed breaks the contract dialled-call: {broken[0]}"
    assert found["placed_by"] == page.get("pid"), f"placed_by is {found['placed_by']}, and its pid {page.get('pid')}"


@promise(services=("dialler",))
def test_its_metrics_are_those_of_the_dashboards(contract: Contract) -> None:
    """The metrics that dashboards and alerts name are there, each of its type: an alert on one that is gone never fires."""
    metrics = contract.service.metrics
    assert metrics is not None
    answer = contract.ask.ask(metrics.path)
    assert answer.status == 200, f"GET {metrics.path} answers {answer.trouble or answer.status}"
    broken = faults("dialler-metrics", types_of(answer.body, answer.headers.get("content-type", "")))
    assert not broken, f"GET {metrics.path} breaks the contract dialler-metrics: {broken[0]}"


@promise(services=("backend",))
def test_its_api_has_what_the_console_asks(contract: Contract) -> None:
    """Its /openapi.json has each call that the console makes, which must say nothing more; and each of them is answered."""
    page = contract.ask.page("/openapi.json", "backend-api")
    assert not page.problem, f"GET /openapi.json {page.problem}"
    for path in _api():
        answer = contract.ask.ask(path)
        assert answer.status == 200, f"GET {path}, which the console asks, answers {answer.trouble or answer.status}"


@promise(kinds=("python",), answers=True)
def test_it_answers_as_before(contract: Contract) -> None:
    """What the release before answered, and somebody reads, is answered still, in the same form (contract.json)."""
    assert contract.before is not None
    changes = compared(read_answers(contract.before), gathered(contract))
    broken = [one for one in changes if one.breaks]
    more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    assert not broken, f"{broken[0].line}{more}"


# --- the console ---


@promise(kinds=("static",))
def test_it_asks_for_what_the_backend_has(contract: Contract) -> None:
    """Each path of its own host that its scripts ask is one that the backend promises (the contract backend-api)."""
    known = _api()
    unknown = sorted({path for script in scripts(contract.ask) for path in calls(script)} - set(known))
    assert not unknown, f"its scripts ask {', '.join(unknown)}, and the backend promises {', '.join(sorted(known))}"


@promise(kinds=("static",))
def test_it_asks_its_own_host(contract: Contract) -> None:
    """Its scripts name no address of a developer's machine or of an inner network: for everybody else nobody is there."""
    found = sorted({where for script in scripts(contract.ask) for where in addresses(script)})
    assert not found, f"its scripts name {', '.join(found)}"


@promise(kinds=("static",))
def test_it_holds_no_key(contract: Contract) -> None:
    """What it serves holds no key of a provider and no private key: everybody reads it."""
    found = sorted({what for script in scripts(contract.ask) for what in keys(script)})
    assert not found, f"its scripts hold {', '.join(found)}"


@promise(kinds=("static",))
def test_its_pictures_are_there(contract: Contract) -> None:
    """Each icon and picture that the index names is 200, and is a picture."""
    for path in pictures(contract.ask):
        answer = contract.ask.ask(path)
        kind = answer.headers.get("content-type", "none")
        assert answer.status == 200, f"GET {path} answers {answer.trouble or answer.status}"
        assert kind.startswith("image/"), f"GET {path} has type {kind!r}"


@promise(kinds=("static",))
def test_its_assets_are_named_by_their_content(contract: Contract) -> None:
    """Each script and style below /assets/ has a hash in its name: browsers keep these for a year, and ask no more."""
    plain = [path for path in named(contract.ask) if path.startswith("/assets/") and not _HASHED.search(path)]
    assert not plain, f"{', '.join(plain)}: there is no hash in its name"


def _api() -> dict[str, Any]:
    """The paths that the contract backend-api has."""
    return dict(schema("backend-api")["properties"]["paths"]["properties"])
