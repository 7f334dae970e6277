"""A process that does everything a caller can ask for, with every log switched on.

`python talking.py KEY_FILE`; the keys it made are written into the file. Each request carries
`MARKER` wherever callers can put something of their own.
"""

import json
import logging
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

from recollect import bootstrap
from recollect.entrypoints import functions
from tests.callers import Deployment, served

MARKER = "Zanzibar"
NAME = f"name of {MARKER}"
SAID = f"My parrot is called {MARKER}."
SPOKEN = "everything has been said"
IS_LOGGED = "this is logged"
BROKEN_QUERY = f"break on {MARKER}"

_LOG = logging.getLogger(__name__)


class Caller:
    """Calls one service with one key and insists on the status."""

    def __init__(self, address: str, key: str) -> None:
        self._address = address
        self._key = key

    def __call__(
        self, status: int, method: str, path: str, body: object = None, **headers: str
    ) -> Any:  # noqa: ANN401 - whatever JSON
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - a loopback address
            self._address + path,
            data=None if body is None else data,
            method=method,
            headers={"Authorization": f"Token {self._key}", **headers},
        )
        try:
            with urllib.request.urlopen(request) as response:  # noqa: S310
                answer = (response.status, response.read())
        except urllib.error.HTTPError as error:
            with error:
                answer = (error.code, error.read())
        assert answer[0] == status, (method, path, answer)
        return json.loads(answer[1])


def deployment() -> Deployment:
    """Load the functions; searching for `BROKEN_QUERY` is a defect of ours."""
    modules = {
        name: functions.load_module(name)
        for name in (*functions.HTTP_FUNCTIONS, *functions.QUEUE_FUNCTIONS)
    }
    search_names = vars(modules["search"])
    search = search_names["search"]

    def search_or_break(project: str, query: str, *rest: object, **options: object) -> object:
        if query == BROKEN_QUERY:
            raise RuntimeError(SAID)
        return search(project, query, *rest, **options)

    search_names["search"] = search_or_break
    handlers = {name: module.lambda_handler for name, module in modules.items()}
    return Deployment(handlers, lambda: bootstrap.create_key()(f"project {MARKER}", "test")[1])


def succeed(call: Caller) -> None:
    """Do what callers do."""
    turn = {"role": "user", "content": SAID, "name": NAME}
    ids = {"user_id": NAME, "metadata": {MARKER: MARKER}}
    filters = {"filters": {"user_id": NAME, "metadata": {MARKER: MARKER}}}
    call(200, "GET", "/v1/ping/")
    idempotent = {"Idempotency-Key": f"key {MARKER}"}
    body = {"messages": [turn], "infer": False, **ids}
    added = call(200, "POST", "/v3/memories/add/", body, **idempotent)
    call(200, "POST", "/v3/memories/add/", body, **idempotent)
    call(200, "POST", "/v3/memories/add/", {"messages": f"I like {MARKER} a lot.", **ids})
    [result] = added["results"]
    call(200, "POST", "/v3/memories/search/", {"query": f"what is {MARKER}?", **filters})
    call(200, "POST", "/v3/memories/", filters)
    path = f"/v1/memories/{result['id']}/"
    call(200, "PUT", path, {"text": f"{SAID} Really.", "metadata": {"more": MARKER}})
    for read in (path, f"{path}history/", f"{path}episode/", "/v1/entities/", "/v1/keys/"):
        call(200, "GET", read)
    call(200, "GET", f"/v1/event/{added['event_id']}/")
    call(200, "DELETE", path)


def fail(call: Caller) -> None:
    """Do what callers should not do."""
    filters = {"user_id": NAME}
    call(400, "POST", "/v3/memories/add/", f'{{"messages": "{SAID}'.encode())
    call(400, "POST", "/v3/memories/add/", {"messages": SAID})
    call(400, "POST", "/v3/memories/add/", {"messages": [[SAID]], **filters})
    call(400, "POST", "/v3/memories/add/", {"messages": SAID, "user_id": f"\x00{NAME}"})
    call(400, "POST", "/v3/memories/search/", {"query": SAID, "filters": {MARKER: MARKER}})
    call(400, "POST", "/v3/memories/search/", {"query": SAID, "filters": {"user_id": [MARKER]}})
    call(400, "GET", f"/v1/memories/{MARKER}/")
    call(404, "GET", f"/v1/{MARKER}/")
    key = {"Idempotency-Key": f"key {MARKER}"}
    call(422, "POST", "/v3/memories/add/", {"messages": "something else", **filters}, **key)
    call(500, "POST", "/v3/memories/search/", {"query": BROKEN_QUERY, "filters": filters})


def main() -> None:
    logging.basicConfig(level=logging.DEBUG)
    bootstrap.local_store().open()
    deployed = deployment()
    with served(deployed) as live:
        key = live.new_key()
        stranger = f"m0-{MARKER}-{'x' * 30}"
        Path(sys.argv[1]).write_text(f"{key}\n{stranger}", "utf-8")
        call = Caller(live.address, key)
        succeed(call)
        fail(call)
        Caller(live.address, stranger)(401, "GET", "/v1/ping/")
        call(200, "POST", "/v3/memories/add/", {"messages": SAID, "user_id": NAME, "infer": False})
        call(200, "DELETE", f"/v1/memories/?user_id={quote(NAME)}")
        call(200, "POST", "/v3/memories/add/", {"messages": SAID, "user_id": NAME, "infer": False})
    _LOG.debug(IS_LOGGED)
    sys.stdout.write(f"{SPOKEN}\n")


if __name__ == "__main__":
    main()
