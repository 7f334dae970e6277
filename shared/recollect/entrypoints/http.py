"""What every HTTP function shares: the key check, the caller, errors, and a router for threads."""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError as NoRouteError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect.bootstrap import current
from recollect.domain.errors import RecollectError
from recollect.domain.keys import ApiKey
from recollect.entrypoints.bodies import parse_json
from recollect.entrypoints.caller import caller
from recollect.entrypoints.metering import metered
from recollect.entrypoints.metrics import count_request
from recollect.entrypoints.refusals import (
    STATUS,
    error_response,
    refuse,
    refuse_encoding,
    refuse_invalid,
    refuse_route,
    report,
)
from recollect.entrypoints.requests import Event, normal
from recollect.usecases.metering import Meter

PATH_PARAMETER = re.compile(r"<(\w+)>")
GREEDY_PARAMETER = "entity_name"
"""The one path parameter that takes slashes: mem0ai 1.0.11 sends the names of entities raw, and API
Gateway decodes %2F."""
AUTHORIZATION = re.compile(r"(?:Token|Bearer) +(\S+)", re.IGNORECASE)
KEY_REFUSED = "Invalid API key. Please check your API key and try again."
CHALLENGE = {"WWW-Authenticate": "Bearer"}
"""RFC 9110, section 11.6.1, wants one with every 401; HTTP knows no scheme called Token."""

# At DEBUG, which an environment variable can turn on, Powertools writes whole bodies.
logging.getLogger("aws_lambda_powertools.event_handler").setLevel(logging.INFO)


class _Invocation(threading.local):
    """What Powertools keeps of the request that a thread is answering."""

    def __init__(self) -> None:
        self.lambda_context: Any = None
        self.context: dict[str, Any] = {}
        self.frames: list[str] = []


class HttpApp(APIGatewayHttpResolver):
    """The router of one function; checks the key before anything else, and then its limits.

    What is told to need no key is the same for everyone. A function that `writes` is closed to
    keys that may only read.

    Powertools keeps the current request on the class; here each thread has its own, because the
    local server, like Lambda Managed Instances, runs one module in many threads.
    """

    def __init__(
        self,
        check_key: Callable[[str], ApiKey | None],
        meter: Meter,
        *,
        writes: bool = False,
        without_key: Collection[str] = (),
    ) -> None:
        self._invocation = _Invocation()
        self._check_key = check_key
        self._meter = meter
        self._writes = writes
        self._without_key = without_key
        self._building = threading.Lock()
        self._is_built = False
        # Without a code of its own, an answer that is not what a route declares would be a 400.
        super().__init__(
            debug=False,
            enable_validation=True,
            json_body_deserializer=parse_json,
            response_validation_error_http_code=500,
        )
        self.exception_handler(RequestValidationError)(refuse_invalid)
        self.exception_handler(list(STATUS))(refuse)
        self.exception_handler(UnicodeDecodeError)(refuse_encoding)
        self.exception_handler(NoRouteError)(refuse_route)
        self.exception_handler(Exception)(report)

    def resolve(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer one API Gateway event (payload format 2.0)."""
        start = time.perf_counter()
        current.correlate(context.aws_request_id)
        self._invocation.context = {}
        with current.within(context.get_remaining_time_in_millis):
            answer = _in_any_case(lambda: self._answer_to(normal(event), context))
        took = (time.perf_counter() - start) * 1000
        count_request(self._route_name, answer["statusCode"], took, context.aws_request_id)
        return answer

    def _answer_to(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        caller.begin(self._to_proxy_event(event))
        self._invocation.lambda_context = context
        if self.current_event.path in self._without_key:
            return self._routed()
        key = self._authorised(event)
        if key is None:
            return _answer(error_response(401, KEY_REFUSED, CHALLENGE))
        current.ask_with(key.id)
        return metered(self._meter, key, lambda: _in_any_case(lambda: self._admitted(key)))

    def _admitted(self, key: ApiKey) -> dict[str, Any]:
        caller.admit(key, writes=self._writes)
        return self._routed()

    def _routed(self) -> dict[str, Any]:
        self._build_routes()
        return self._build_response(self._resolve())

    # Powertools declares these four as attributes and keeps the first two on a shared class.
    @property
    def current_event(self) -> Event:  # type: ignore[override]
        """The event of the request that this thread answers."""
        return caller.event

    @property
    def lambda_context(self) -> LambdaContext:  # type: ignore[override]
        """The context of the request that this thread answers."""
        context: LambdaContext = self._invocation.lambda_context
        return context

    @property
    def context(self) -> dict[str, Any]:
        """Powertools' own notes on the request that this thread answers."""
        return self._invocation.context

    @context.setter
    def context(self, value: dict[str, Any]) -> None:
        self._invocation.context = value

    @property
    def processed_stack_frames(self) -> list[str]:
        """Powertools' names of the middlewares that this thread ran."""
        return self._invocation.frames

    @processed_stack_frames.setter
    def processed_stack_frames(self, value: list[str]) -> None:
        self._invocation.frames = value

    @property
    def _route_name(self) -> str:
        """The method and pattern of the route that was taken: never a path, which has names."""
        route = self._invocation.context.get("_route")
        # Powertools makes a route of any path that none of ours takes.
        is_ours = route in self._static_routes or route in self._dynamic_routes
        return f"{route.method} {route.openapi_path}" if route and is_ours else "$default"

    def _authorised(self, event: Mapping[str, Any]) -> ApiKey | None:
        headers = event["headers"]
        match = AUTHORIZATION.fullmatch(headers.get("authorization", "").strip())
        secret = match[1] if match else headers.get("x-api-key", "").strip()
        return self._check_key(secret) if secret else None

    def _build_routes(self) -> None:
        # Powertools wraps a route at its first call; two first calls at once would wrap it twice.
        if self._is_built:
            return
        with self._building:
            for route in (*self._static_routes, *self._dynamic_routes):
                if not route._middleware_stack_built:  # noqa: SLF001
                    route._build_middleware_stack(self._router_middlewares, self)  # noqa: SLF001
            self._is_built = True

    def _to_proxy_event(self, event: dict[str, Any]) -> Event:
        return Event(event, self._json_body_deserializer)

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = r"{}\Z") -> re.Pattern[str]:
        # Powertools' own rule finds no route for quotes or emoji, where an id is what is wrong.
        return re.compile(base_regex.format(PATH_PARAMETER.sub(_group, rule)))


def _in_any_case(answer: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return answer()
    except RecollectError as error:
        return _answer(refuse(error))
    except Exception as error:  # noqa: BLE001 - the function's entry point
        return _answer(report(error))


def _group(parameter: re.Match[str]) -> str:
    characters = "." if parameter[1] == GREEDY_PARAMETER else "[^/]"
    return f"(?P<{parameter[1]}>{characters}+)"


def _answer(response: Response[dict[str, str]]) -> dict[str, Any]:
    return {
        "statusCode": response.status_code,
        "headers": {"Content-Type": "application/json", **response.headers},
        "body": json.dumps(response.body),
        "isBase64Encoded": False,
    }
