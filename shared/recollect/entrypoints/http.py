"""What every HTTP function shares: the key check, the caller, errors, and a router for threads."""

import hashlib
import json
import logging
import re
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError as NoRouteError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext

from recollect.bootstrap import current
from recollect.domain.errors import (
    ConflictError,
    DefectError,
    IdempotencyMismatchError,
    InvalidRequestError,
    ModelAnswerError,
    NotFoundError,
    RecollectError,
    UnavailableError,
)
from recollect.domain.jobs import IdempotencyKey
from recollect.domain.keys import ApiKey
from recollect.entrypoints.bodies import parse_json
from recollect.entrypoints.metrics import count_request

STATUS: dict[type[RecollectError], int] = {
    InvalidRequestError: 400,
    NotFoundError: 404,
    ConflictError: 409,
    IdempotencyMismatchError: 422,
    UnavailableError: 503,
    DefectError: 500,
    ModelAnswerError: 502,
}
RETRIED = (UnavailableError, ModelAnswerError)
"""Errors that the same request may not meet again."""
RETRY_AFTER_SECONDS = 2
MAX_IDEMPOTENCY_KEY_LENGTH = 256
PATH_PARAMETER = re.compile(r"<(\w+)>")
AUTHORIZATION = re.compile(r"(?:Token|Bearer) +(\S+)", re.IGNORECASE)
KEY_REFUSED = "Invalid API key. Please check your API key and try again."

logger = Logger()
# At DEBUG, which an environment variable can turn on, Powertools writes whole bodies.
logging.getLogger("aws_lambda_powertools.event_handler").setLevel(logging.INFO)


class Event(APIGatewayProxyEventV2):
    """A request whose query is read from the raw string.

    API Gateway joins repeated parameters with commas, which turns `user_id=a,b` into two users.
    """

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """Every parameter with its decoded values."""
        return parse_qs(self.get("rawQueryString") or "", keep_blank_values=True)

    @property
    def resolved_query_string_parameters(self) -> dict[str, list[str]]:
        """The query for the validation of declared parameters, which changes what it is given."""
        return {name: list(values) for name, values in self.query.items()}


class _Request(threading.local):
    """What belongs to the request that a thread is answering."""

    def __init__(self) -> None:
        self.event: Any = None
        self.lambda_context: Any = None
        self.context: dict[str, Any] = {}
        self.frames: list[str] = []
        self.key: ApiKey | None = None


class HttpApp(APIGatewayHttpResolver):
    """The router of one function; checks the key before anything else.

    Powertools keeps the current request on the class; here each thread has its own, because the
    local server, like Lambda Managed Instances, runs one module in many threads.
    """

    def __init__(self, check_key: Callable[[str], ApiKey | None]) -> None:
        self._request = _Request()
        self._check_key = check_key
        self._building = threading.Lock()
        self._is_built = False
        # Without a code of its own, an answer that is not what a route declares would be a 400.
        super().__init__(
            debug=False,
            enable_validation=True,
            json_body_deserializer=parse_json,
            response_validation_error_http_code=500,
        )
        self.exception_handler(RequestValidationError)(_refuse_invalid)
        self.exception_handler(list(STATUS))(_refuse)
        self.exception_handler(UnicodeDecodeError)(_refuse_encoding)
        self.exception_handler(NoRouteError)(_refuse_route)
        self.exception_handler(Exception)(_report)

    def resolve(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer one API Gateway event (payload format 2.0)."""
        start = time.perf_counter()
        current.correlate(context.aws_request_id)
        with current.within(context.get_remaining_time_in_millis()):
            answer = self._answer_to(event, context)
        took = (time.perf_counter() - start) * 1000
        route = event.get("routeKey", "$default")
        count_request(route, answer["statusCode"], took, context.aws_request_id)
        return answer

    def _answer_to(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        try:
            key = self._authorised(event)
            if key is None:
                return _answer(error_response(401, KEY_REFUSED))
            self._build_routes()
            self._request.key = key
            self._request.event = self._to_proxy_event(_normal(event))
            self._request.lambda_context = context
            self._request.context = {}
            return self._build_response(self._resolve())
        except RecollectError as error:
            return _answer(_refuse(error))
        except Exception as error:  # noqa: BLE001 - the function's entry point
            return _answer(_report(error))

    @property
    def project(self) -> str:
        """The project of the key that the current request came with."""
        key = self._request.key
        if key is None:
            raise RuntimeError
        return key.project

    @property
    def idempotency_key(self) -> IdempotencyKey | None:
        """The current request's `Idempotency-Key`, tied to its method, path and body."""
        key = self.current_event.headers.get("idempotency-key")
        if key is None:
            return None
        if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH:
            message = f"Idempotency-Key must have 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} characters"
            raise InvalidRequestError(message)
        event = self.current_event
        parts = (event.http_method, event.path, event.raw_query_string, event.decoded_body or "")
        return IdempotencyKey(key, hashlib.sha256("\n".join(parts).encode()).hexdigest())

    def refuse_idempotency_key(self) -> None:
        """Raise `InvalidRequestError` if the current request has a key: its route keeps none."""
        if "idempotency-key" in self.current_event.headers:
            message = "Idempotency-Key is kept for adds and delete-all only; leave it off here"
            raise InvalidRequestError(message)

    @property
    def address(self) -> str:
        """The current request's own URL without its query, as the caller sees it."""
        headers = self.current_event.headers
        host = headers.get("host") or self.current_event.request_context.domain_name
        path = self.current_event.request_context.http.path
        return f"{headers.get('x-forwarded-proto', 'https')}://{host}{path}"

    # Powertools declares these four as attributes and keeps the first two on a shared class.
    @property
    def current_event(self) -> Event:  # type: ignore[override]
        """The event of the request that this thread answers."""
        event: Event = self._request.event
        return event

    @property
    def lambda_context(self) -> LambdaContext:  # type: ignore[override]
        """The context of the request that this thread answers."""
        context: LambdaContext = self._request.lambda_context
        return context

    @property
    def context(self) -> dict[str, Any]:
        """Powertools' own notes on the request that this thread answers."""
        return self._request.context

    @context.setter
    def context(self, value: dict[str, Any]) -> None:
        self._request.context = value

    @property
    def processed_stack_frames(self) -> list[str]:
        """Powertools' names of the middlewares that this thread ran."""
        return self._request.frames

    @processed_stack_frames.setter
    def processed_stack_frames(self, value: list[str]) -> None:
        self._request.frames = value

    def _authorised(self, event: Mapping[str, Any]) -> ApiKey | None:
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        match = AUTHORIZATION.fullmatch(headers.get("authorization", "").strip())
        return self._check_key(match[1]) if match else None

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
        return re.compile(base_regex.format(PATH_PARAMETER.sub(r"(?P<\1>[^/]+)", rule)))


def error_response(
    status: int, text: str, headers: Mapping[str, str] | None = None
) -> Response[dict[str, str]]:
    """Return an error in the shape that every mem0 client can read."""
    body = {"detail": text, "error": text, "message": text}
    return Response(status, "application/json", body, dict(headers or {}))


def _refuse(error: RecollectError) -> Response[dict[str, str]]:
    status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if isinstance(error, RETRIED) else {}
    return error_response(status, str(error), headers)


def _refuse_invalid(error: RequestValidationError) -> Response[dict[str, str]]:
    return error_response(400, "; ".join(_explain(error.errors())) or "Invalid request")


def _refuse_encoding(_: UnicodeDecodeError) -> Response[dict[str, str]]:
    return error_response(400, "The body is not UTF-8")


def _refuse_route(_: NoRouteError) -> Response[dict[str, str]]:
    return error_response(404, "There is no such route")


def _report(error: Exception) -> Response[dict[str, str]]:
    # An exception's own text may hold what the caller sent, so only its type and place are logged.
    logger.error(
        "A request failed for a reason that is ours",
        error_type=type(error).__qualname__,
        frames=traceback.format_tb(error.__traceback__),
        correlation_id=current.correlation_id(),
    )
    return error_response(500, "Something went wrong on our side")


def _explain(errors: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"{_place(error['loc'])}: {error.get('msg', error['type'])}" for error in errors[:5]]


def _place(loc: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in loc[1:]) or "body"


def _answer(response: Response[dict[str, str]]) -> dict[str, Any]:
    return {
        "statusCode": response.status_code,
        "headers": {"Content-Type": "application/json", **response.headers},
        "body": json.dumps(response.body),
        "isBase64Encoded": False,
    }


def _normal(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event with doubled and trailing slashes gone; every body is read as JSON."""
    path = re.sub(r"/{2,}", "/", event["rawPath"])
    if len(path) > 1:
        path = path.rstrip("/")
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return {**event, "rawPath": path, "headers": {**headers, "content-type": "application/json"}}
