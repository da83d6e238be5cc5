"""Ten ways and more in which each of the lab's services breaks its contract: what is changed in its sources, what that is called.

Each is a slip as people make them. Where it is in its own pipeline, its Contract stage is red, and names this promise and reason.
Slips that do not touch each other are in one branch, so that one run of the stage names each of them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """In ``file``, ``old`` becomes ``new`` (empty ``old``: it is a new file); that breaks ``promise``, and ``seen`` is said."""

    repository: str
    called: str
    file: str
    old: str
    new: str
    promise: str
    seen: str

    def __str__(self) -> str:
        return f"{self.repository.removeprefix('vox-')}-{self.called.replace(' ', '-')}"


@dataclass(frozen=True, slots=True)
class Branch:
    """Ways that are together in one branch. ``also`` are the promises, or their beginnings, that are broken with them."""

    name: str
    ways: tuple[Way, ...]
    also: tuple[str, ...] = ()
    at_its_word: bool = False
    """True where a time is broken: no agent of it is so busy that it has patience."""

    @property
    def repository(self) -> str:
        """Whose branch it is."""
        return self.ways[0].repository

    def __str__(self) -> str:
        return self.name


def _branch(
    repository: str, *ways: tuple[str, str, str, str, str, str], also: tuple[str, ...] = (), at_its_word: bool = False
) -> Branch:
    made = tuple(Way(repository, *way) for way in ways)
    return Branch(str(made[0]) + (f"-and-{len(made) - 1}-more" if made[1:] else ""), made, also, at_its_word)


_WITHOUT = "it-does-not-start-without-a-setting"
_MISSING = """f"missing or empty settings: {', '.join(missing)}\""""

_ASKS_FOR_A_NAME = """\
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1"])

    @app.get("/health")
"""

BACKEND = (
    _branch(
        "vox-backend",
        (
            "starts without a setting",
            "vox_backend/settings.py",
            "if not value]",
            'if not value and name != "jwt_secret"]',
            f"{_WITHOUT}[JWT_SECRET]",
            "it runs without JWT_SECRET",
        ),
        (
            "names no setting",
            "vox_backend/settings.py",
            _MISSING,
            '"a setting is missing"',
            f"{_WITHOUT}[S3_ENDPOINT]",
            "without S3_ENDPOINT, and does not say so",
        ),
        (
            "is well without a store",
            "vox_backend/web.py",
            'well = all(state == "ok" for state in checks.values())',
            "well = True",
            "it-says-that-a-store-is-down[REDIS_URL]",
            "answers 200 while nobody is at the address in REDIS_URL",
        ),
        (
            "says its pid as text",
            "vox_backend/web.py",
            "**identity.fields(),",
            '**identity.fields(), "pid": str(identity.pid),',
            "its-health-keeps-the-contract",
            "breaks the contract backend-health: $.pid",
        ),
        (
            "has another name",
            "vox_backend/web.py",
            'SERVICE = "vox-backend"',
            'SERVICE = "vox-api"',
            "it-names-itself",
            "service is 'vox-api', not 'vox-backend'",
        ),
        (
            "starts in no time zone",
            "vox_backend/identity.py",
            '.removesuffix("+00:00") + "Z"',
            '.removesuffix("+00:00")',
            "it-started-before-now",
            "has no time zone",
        ),
        (
            "finds anything",
            "vox_backend/web.py",
            "    return app\n",
            '    app.add_api_route("/{path:path}", ping)\n    return app\n',
            "an-unknown-path-is-404",
            "answers 200",
        ),
        (
            "prints a secret",
            "vox_backend/app.py",
            "try:\n",
            'print("started with", os.environ.get("JWT_SECRET"), flush=True)\ntry:\n',
            "it-stops-when-asked",
            "what it prints holds the value of JWT_SECRET",
        ),
        (
            "loses a call of the console",
            "vox_backend/web.py",
            '@app.get("/api/ping")',
            '@app.get("/api/pong")',
            "its-api-has-what-the-console-asks",
            "'/api/ping' is a required property",
        ),
        also=(
            "it-does-not-start-without-a-setting",
            "it-says-that-a-store-is-down",
            "it-answers-several-at-once",
            "what-is-",
            "it-answers-as-before",
        ),
    ),
    _branch(
        "vox-backend",
        (
            "does not know its commit",
            "vox_backend/identity.py",
            "commit=read_commit(CHECKOUT)",
            'commit="unknown"',
            "it-names-its-commit",
            "commit is 'unknown'",
        ),
        (
            "is another process each time",
            "vox_backend/web.py",
            "**identity.fields(),",
            '**identity.fields(), "pid": __import__("time").monotonic_ns(),',
            "it-is-one-process",
            "four questions in a row are answered by 4 processes",
        ),
        (
            "answers in another type",
            "vox_backend/web.py",
            "JSONResponse(pong(identity))",
            'JSONResponse(pong(identity), media_type="text/json")',
            "it-answers-as-before",
            "GET /api/ping: type is text/json, was application/json; breaks nginx, console",
        ),
        also=(
            "its-health-keeps-the-contract",
            "it-answers-several-at-once",
            "what-is-",
        ),
    ),
    _branch(
        "vox-backend",
        (
            "answers one after the other",
            "vox_backend/web.py",
            "checks = await stores.check()",
            '__import__("time").sleep(0.4); checks = await stores.check()',
            "it-answers-several-at-once",
            "of 8 asked at once",
        ),
        at_its_word=True,
    ),
)

FLEET = (
    _branch(
        "vox-agents",
        (
            "starts without a setting",
            "vox_agents/settings.py",
            "if not value]",
            'if not value and name != "openai_api_key"]',
            f"{_WITHOUT}[OPENAI_API_KEY]",
            "it runs without OPENAI_API_KEY",
        ),
        (
            "names no setting",
            "vox_agents/settings.py",
            _MISSING,
            '"a setting is missing"',
            f"{_WITHOUT}[LIVEKIT_URL]",
            "without LIVEKIT_URL, and does not say so",
        ),
        (
            "is well without a store",
            "vox_agents/web.py",
            "registered = await worker.register()",
            "registered = await worker.register() or True",
            "it-says-that-a-store-is-down[REDIS_URL]",
            "answers 200 while nobody is at the address in REDIS_URL",
        ),
        (
            "has another name",
            "vox_agents/bodies.py",
            'SERVICE = "vox-agents"',
            'SERVICE = "vox-fleet"',
            "it-names-itself",
            "service is 'vox-fleet', not 'vox-agents'",
        ),
        (
            "runs another pipecat",
            "vox_agents/serve.py",
            'importlib.metadata.version("pipecat-ai")',
            '"0.0.1"',
            "its-pipecat-is-the-pinned-one",
            "pipecat is '0.0.1', and pyproject.toml pins",
        ),
        (
            "does not count free slots",
            "vox_agents/bodies.py",
            '        "fleet_available": most - calls,\n',
            "",
            "the-aggregate-keeps-the-contract",
            "'fleet_available' is a required property",
        ),
        (
            "asks HAProxy for a name",
            "vox_agents/web.py",
            '    @app.get("/health")\n',
            _ASKS_FOR_A_NAME,
            "haproxy-s-check-is-answered",
            "HAProxy's check, GET /health HTTP/1.0, is answered by b'HTTP/1.1 400",
        ),
        also=(
            "it-does-not-start-without-a-setting",
            "it-answers-as-before",
        ),
    ),
    _branch(
        "vox-agents",
        (
            "says its slots as text",
            "vox_agents/bodies.py",
            '"worker_max": entry.max,',
            '"worker_max": str(entry.max),',
            "its-health-keeps-the-contract",
            "breaks the contract worker-health: $.worker_max",
        ),
        (
            "registers its calls as text",
            "vox_agents/bodies.py",
            "return asdict(self)",
            'return asdict(self) | {"calls": str(self.calls)}',
            "its-registry-entry-keeps-the-contract",
            "breaks the contract registry-entry: $.calls",
        ),
        (
            "stays registered for ever",
            "vox_agents/registry.py",
            "value, px=TTL_MILLISECONDS)",
            "value)",
            "its-registry-entry-runs-out",
            "never runs out",
        ),
        (
            "does not leave",
            "vox_agents/worker.py",
            "await self.registry.remove(self.id)",
            "self._left = True",
            "it-leaves-the-registry",
            "is there after its worker has ended",
        ),
        also=(
            "the-aggregate-keeps-the-contract",
            "it-answers-several-at-once",
            "what-is-",
            "it-answers-as-before",
        ),
    ),
    _branch(
        "vox-agents",
        (
            "is not in its own fleet",
            "vox_agents/registry.py",
            'match=PREFIX + "*"',
            'match=PREFIX + "eu:*"',
            "the-aggregate-keeps-the-contract",
            "the aggregate has fewer slots than this worker alone",
        ),
        also=("it-answers-as-before",),
    ),
)

DIALLER = (
    _branch(
        "vox-dialler",
        (
            "starts without a setting",
            "vox_dialler/settings.py",
            "if not value]",
            'if not value and key != "REDIS_URL"]',
            f"{_WITHOUT}[REDIS_URL]",
            "it runs without REDIS_URL",
        ),
        (
            "names no setting",
            "vox_dialler/settings.py",
            _MISSING,
            '"a setting is missing"',
            f"{_WITHOUT}[SIP_TRUNK_ID]",
            "without SIP_TRUNK_ID, and does not say so",
        ),
        (
            "is well without its database",
            "vox_dialler/web.py",
            "code = HTTPStatus.SERVICE_UNAVAILABLE if stalled else HTTPStatus.OK",
            "code = HTTPStatus.OK",
            "it-says-that-a-store-is-down[MONGODB_URI]",
            "answers 200 while nobody is at the address in MONGODB_URI",
        ),
        (
            "ticks four times as fast",
            "vox_dialler/pacing.py",
            "return interval - (now - began) % interval",
            "return (interval - (now - began) % interval) / 4",
            "it-ticks-at-its-pace",
            "and one each 1 s is promised",
        ),
        (
            "has another name",
            "vox_dialler/web.py",
            'SERVICE = "vox-dialler"',
            'SERVICE = "vox-pacer"',
            "it-names-itself",
            "service is 'vox-pacer', not 'vox-dialler'",
        ),
        (
            "renames a metric",
            "vox_dialler/metrics.py",
            '"voxdialler_calls_placed"',
            '"voxdialler_placed"',
            "its-metrics-are-those-of-the-dashboards",
            "'voxdialler_calls_placed_total' is a required property",
        ),
        (
            "ticks for no host",
            "vox_dialler/book.py",
            '{**who, "at": at, "tick": tick}',
            '{"pid": self._pid, "at": at, "tick": tick}',
            "its-records-keep-the-contract",
            "its record in ticks breaks the contract dialler-tick: $: 'host' is a required property",
        ),
        (
            "places calls for nobody",
            "vox_dialler/book.py",
            '"placed_by": self._pid',
            '"placed_by": str(self._pid)',
            "it-places-a-due-call",
            "breaks the contract dialled-call: $.placed_by",
        ),
        (
            "shows its program",
            "vox_dialler/web.py",
            'Route("/metrics", exposition)]',
            'Route("/metrics", exposition), Route("/{any:path}", lambda _: Response("Traceback (most recent call last)", 404))]',
            "an-unknown-path-is-404",
            "shows the program",
        ),
        also=(
            "it-does-not-start-without-a-setting",
            "it-answers-as-before",
        ),
    ),
    _branch(
        "vox-dialler",
        (
            "counts ticks in halves",
            "vox_dialler/web.py",
            '"ticks": loop.ticks,',
            '"ticks": loop.ticks + 0.5,',
            "its-health-keeps-the-contract",
            "breaks the contract dialler-health: $.ticks",
        ),
        (
            "has metrics as a page",
            "vox_dialler/web.py",
            '"Content-Type": content_type',
            '"Content-Type": "text/html"',
            "its-metrics-are-well-formed",
            "content type 'text/html'",
        ),
        also=(
            "it-ticks-at-its-pace",
            "it-answers-several-at-once",
            "what-is-",
            "it-answers-as-before",
            "its-metrics-are-those-of-the-dashboards",
        ),
    ),
    _branch(
        "vox-dialler",
        (
            "places no call",
            "vox_dialler/book.py",
            '{"state": "due"}',
            '{"state": "waiting"}',
            "it-places-a-due-call",
            "and nobody claimed it",
        ),
        at_its_word=True,
    ),
)

_BUILD = "    sourcemap: false,\n"
_FETCH = 'fetch("/health", {'

CONSOLE = (
    _branch(
        "vox-frontend",
        (
            "shows its sources",
            "vite.config.js",
            "sourcemap: false",
            "sourcemap: true",
            "it-hides-what-is-nobodys",
            ".js.map is served",
        ),
        (
            "holds a key",
            "src/main.js",
            _FETCH,
            _FETCH + ' headers: { authorization: "Bearer sk-proj-aaaabbbbccccddddeeeeffff" },',
            "it-holds-no-key",
            "its scripts hold a key of OpenAI",
        ),
        (
            "asks a developer's machine",
            "src/main.js",
            _FETCH,
            'fetch("http://localhost:8080/health", {',
            "it-asks-its-own-host",
            "its scripts name localhost:8080",
        ),
        (
            "loses its icon",
            "index.html",
            'href="/favicon.svg"',
            'href="/icon.svg"',
            "its-pictures-are-there",
            "GET /icon.svg has type 'text/html",
        ),
    ),
    _branch(
        "vox-frontend",
        (
            "shows its packages",
            "public/package.json",
            "",
            '{"name": "vox-frontend", "private": true}\n',
            "it-hides-what-is-nobodys",
            "GET /package.json is served",
        ),
        (
            "names no content",
            "vite.config.js",
            _BUILD,
            _BUILD + '    rollupOptions: { output: { entryFileNames: "assets/[name].js" } },\n',
            "its-assets-are-named-by-their-content",
            "/assets/index.js: there is no hash in its name",
        ),
        (
            "asks what the backend has not",
            "src/main.js",
            _FETCH,
            'fetch("/api/status", {',
            "it-asks-for-what-the-backend-has",
            "its scripts ask /api/status, and the backend promises /api/ping, /health",
        ),
        (
            "loses a script",
            "index.html",
            "  </head>",
            '    <script src="/legacy.js"></script>\n  </head>',
            "its-files-are-there",
            "GET /legacy.js has type 'text/html",
        ),
        (
            "is kept by browsers",
            "vite.config.js",
            "defineConfig({",
            'defineConfig({\n  preview: { headers: { "Cache-Control": "max-age=31536000" } },',
            "its-index-is-a-page",
            "browsers may keep it",
        ),
    ),
    _branch(
        "vox-frontend",
        (
            "knows no deep link",
            "vite.config.js",
            "defineConfig({",
            'defineConfig({\n  appType: "mpa",',
            "a-deep-link-is-the-index",
            "GET /calls/7 answers 404",
        ),
    ),
    _branch(
        "vox-frontend",
        (
            "is somewhere else",
            "vite.config.js",
            "defineConfig({",
            'defineConfig({\n  base: "/console/",',
            "its-index-is-a-page",
            "GET / answers",
        ),
        also=(
            "it",
            "a-",
            "its",
        ),
    ),
)

ALL = (*BACKEND, *FLEET, *DIALLER, *CONSOLE)
