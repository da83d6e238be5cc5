"""Bitbucket Cloud, as far as a gate needs it: build statuses of a commit, files for download.

Each call may be repeated without harm (the same key, the same file name overwrite), so whatever may pass is tried again
within one deadline: no connection, a timeout, 429 and 5xx. Bitbucket's own ``Retry-After`` is kept; else the pause doubles.
"""

from __future__ import annotations

import contextlib
import os
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urljoin

import httpx

from voxgate.errors import ForgeError, Refused
from voxgate.model.counting import counted
from voxgate.model.digits import natural_in
from voxgate.redaction.shortening import beginning
from voxgate.transport.at_once import at_once
from voxgate.transport.deadline import Deadline

API = "https://api.bitbucket.org"
TOKEN = "BITBUCKET_TOKEN"  # noqa: S105 - the name of a variable
USER = "BITBUCKET_USER"
OWN = "voxgate"
"""How the keys of the gate's own statuses begin: they say nothing of a commit's CI."""
_ATTEMPT = 20.0
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 20.0
_PAGES = 20
_MOST = 8 << 20  # bytes of an answer, unpacked: a page of a hundred statuses has some hundred thousand
_PACKED = "gzip"
_HINTS = {
    HTTPStatus.UNAUTHORIZED: f"{TOKEN} is wrong or has expired",
    HTTPStatus.FORBIDDEN: f"{TOKEN} lacks a scope: repository:write for statuses and downloads, repository to read",
    HTTPStatus.NOT_FOUND: "is the workspace right, is the commit pushed, and may the token see the repository?",
}


@dataclass(frozen=True, slots=True)
class BuildStatus:
    """One build status of a commit. ``state`` is SUCCESSFUL, FAILED, INPROGRESS or STOPPED; one ``key`` has one status."""

    key: str
    state: str
    name: str
    url: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Bitbucket:
    """One workspace. ``deadline`` in seconds is for each call with all its attempts. The token is in no ``repr``."""

    workspace: str
    token: str = field(repr=False)
    user: str = ""
    api: str = API
    deadline: float = 60.0
    attempt: float = _ATTEMPT
    sleep: Callable[[float], object] = field(default=time.sleep, repr=False)

    @classmethod
    def of(cls, workspace: str, environ: Mapping[str, str] = os.environ) -> Bitbucket:
        """The workspace with the token of the environment; ``BITBUCKET_API`` names another server. Raises Refused without."""
        token = environ.get(TOKEN, "")
        if not token:
            raise Refused("no token for Bitbucket", where=TOKEN, hint=f"put a repository access token into {TOKEN}")
        if not workspace:
            raise Refused(
                "no workspace on Bitbucket", where="[estate] commits", hint='say commits = "https://bitbucket.org/NAME"'
            )
        return cls(workspace, token, environ.get(USER, ""), environ.get("BITBUCKET_API") or API)

    def state(self, repository: str, commit: str, status: BuildStatus) -> None:
        """Set a build status of a commit. Raises ForgeError."""
        body = {
            "key": status.key[:40],
            "state": status.state,
            "name": status.name[:255],
            "url": status.url,
            "description": status.description[:255],
        }
        self._call("POST", f"{self._repository(repository)}/commit/{quote(commit, safe='')}/statuses/build", json=body)

    def statuses(self, repository: str, commit: str) -> tuple[BuildStatus, ...]:
        """Every build status of a commit. Raises ForgeError, also for an answer that is none."""
        path: str = f"{self._repository(repository)}/commit/{quote(commit, safe='')}/statuses?pagelen=100"
        found: list[BuildStatus] = []
        for _ in range(_PAGES):
            page = self._document(self._call("GET", path))
            rows = page.get("values")
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise ForgeError("Bitbucket's answer has no list of statuses", where=f"{repository}@{commit[:12]}")
            found += [_status(row) for row in rows]
            following = page.get("next")
            if not following:
                return tuple(found)
            if not str(following).startswith(f"{self.api}/"):
                raise ForgeError("Bitbucket's next page leads elsewhere", where=f"{repository}@{commit[:12]}")
            path = str(following).removeprefix(self.api)
        raise ForgeError("too many statuses", where=f"{repository}@{commit[:12]}", why=f"more than {_PAGES} pages")

    def upload(self, repository: str, content: bytes, name: str) -> str:
        """Put a file among the repository's downloads, over one of the same name; returns where a person finds it.

        Raises ForgeError.
        """
        self._call("POST", f"{self._repository(repository)}/downloads", upload=(name, content))
        return f"https://bitbucket.org/{self.workspace}/{repository}/downloads/{quote(name)}"

    def download(self, repository: str, name: str) -> bytes:
        """A file from the downloads, from where Bitbucket says that it lies: by https, or on Bitbucket itself. Nobody
        else is told the token. Raises ForgeError, also where there is none of that name.
        """
        answer = self._call("GET", f"{self._repository(repository)}/downloads/{quote(name, safe='')}", leads=True)
        if not answer.has_redirect_location:
            return answer.content
        where = urljoin(f"{self.api}/", answer.headers["location"])
        if not where.startswith(("https://", f"{self.api}/")):
            raise ForgeError("Bitbucket leads to no https address", where=name)
        try:
            with httpx.Client(headers={"accept-encoding": _PACKED}) as client:
                file = _read(client, client.build_request("GET", where, timeout=self.attempt))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ForgeError("a download cannot be had", where=name, why=type(error).__name__) from None
        if not file.is_success:
            raise ForgeError("a download cannot be had", where=name, why=_said(file))
        return file.content

    def _repository(self, name: str) -> str:
        return f"/2.0/repositories/{quote(self.workspace, safe='')}/{quote(name, safe='')}"

    def _call(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, str] | None = None,
        upload: tuple[str, bytes] | None = None,
        leads: bool = False,
    ) -> httpx.Response:
        """One call, tried until it is answered or the deadline has passed, also where an answer comes byte by byte; ``leads``: it
        may lead elsewhere.
        """
        where, until, tried = f"{method} {path.partition('?')[0]}", time.monotonic() + self.deadline, 0
        with self._client() as client:
            while True:
                tried += 1
                left = Deadline.after(max(0.1, until - time.monotonic()))
                timeout = min(self.attempt, left.seconds)

                def send(path: str, timeout: float = timeout) -> httpx.Response:
                    return self._send(client, method, path, json, upload, timeout)

                answer = at_once([path], send, limit=1, deadline=left)[path]
                if isinstance(answer, httpx.RequestError | TimeoutError):  # no way to it, or what it packed cannot be read
                    why, wanted = f"{type(answer).__name__}: {answer}".rstrip(": "), None
                elif isinstance(answer, BaseException):
                    raise answer
                else:
                    if answer.is_success or (leads and answer.has_redirect_location):
                        return answer
                    why, wanted = _said(answer), answer.headers.get("retry-after")
                    if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS and not answer.is_server_error:
                        raise ForgeError("Bitbucket refused", where=where, why=why, hint=_hint(answer))
                pause = _pause(wanted, tried)
                if time.monotonic() + pause >= until:
                    times = f"{counted(tried, 'attempt')} within {self.deadline:.0f} s"
                    raise ForgeError("Bitbucket did not do it", where=where, why=f"{why} ({times})", hint="try again later")
                self.sleep(pause)

    def _client(self) -> httpx.Client:
        basic = httpx.BasicAuth(self.user, self.token) if self.user else None
        headers = {} if basic else {"authorization": f"Bearer {self.token}"}
        return httpx.Client(
            base_url=self.api, auth=basic, headers={**headers, "accept": "application/json", "accept-encoding": _PACKED}
        )

    @staticmethod
    def _send(
        client: httpx.Client,
        method: str,
        path: str,
        json: Mapping[str, str] | None,
        upload: tuple[str, bytes] | None,
        timeout: float,
    ) -> httpx.Response:
        files = None if upload is None else {"files": upload}
        return _read(client, client.build_request(method, path, json=json, files=files, timeout=timeout))

    @staticmethod
    def _document(answer: httpx.Response) -> dict[str, Any]:
        try:
            document = answer.json()
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise ForgeError("Bitbucket's answer is no JSON object", where=str(answer.request.url.path))
        return document


def red_or_running(statuses: Sequence[BuildStatus]) -> str:
    """Why a commit's own CI is not green, empty if it is. Statuses whose key begins with ``OWN`` are not its CI's."""
    theirs = [one for one in statuses if not one.key.startswith(OWN)]
    if not theirs:
        return "no build was ever reported for it"
    bad = [f"{one.name or one.key} is {one.state or 'unknown'}" for one in theirs if one.state != "SUCCESSFUL"]
    return ", ".join(bad)


def _read(client: httpx.Client, request: httpx.Request) -> httpx.Response:
    """The answer, whole: as much of one as an answer can be. Raises httpx.RequestError, also for what is more, packed or not."""
    with contextlib.closing(client.send(request, stream=True)) as answer:
        body = bytearray()
        for part in answer.iter_raw():
            body += part
            if len(body) > _MOST:
                raise httpx.DecodingError(f"more than {_MOST >> 20} MB", request=request)
        headers = [(name, value) for name, value in answer.headers.multi_items() if name != "content-encoding"]
        plain = _unpacked(bytes(body), answer.headers.get("content-encoding", "identity").lower(), request)
        return httpx.Response(answer.status_code, headers=headers, content=plain, request=request)


def _unpacked(body: bytes, packed: str, request: httpx.Request) -> bytes:
    if packed == "identity":
        return body
    if packed != _PACKED:
        raise httpx.DecodingError(f"it is packed as {packed}", request=request)
    try:
        plain = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body, _MOST + 1)
    except zlib.error as error:
        raise httpx.DecodingError(str(error), request=request) from None
    if len(plain) > _MOST:
        raise httpx.DecodingError(f"more than {_MOST >> 20} MB", request=request)
    return plain


def _status(row: Mapping[str, Any]) -> BuildStatus:
    """A status as Bitbucket writes it; what is no text counts as nothing said."""
    values = [row.get(key) for key in ("key", "state", "name", "url", "description")]
    return BuildStatus(*(value if isinstance(value, str) else "" for value in values))


def _said(answer: httpx.Response) -> str:
    """The status, and Bitbucket's own word where it has one."""
    try:
        document = answer.json()
    except (ValueError, RecursionError):
        document = {}
    error = document.get("error") if isinstance(document, dict) else None
    word = error.get("message") if isinstance(error, dict) else None
    return f"{answer.status_code} {answer.reason_phrase}" + (f": {beginning(' '.join(str(word).split()), 200)}" if word else "")


def _hint(answer: httpx.Response) -> str:
    return next((hint for status, hint in _HINTS.items() if status == answer.status_code), "")


def _pause(wanted: str | None, tried: int) -> float:
    """Seconds until the next attempt: what ``Retry-After`` asks for (seconds or a date), else twice the last pause."""
    if wanted and (seconds := natural_in(wanted.strip())) is not None:
        return float(seconds)
    if wanted:
        try:
            return max(0.0, (parsedate_to_datetime(wanted) - datetime.now(UTC)).total_seconds())
        except (TypeError, ValueError):
            pass
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (tried - 1))
