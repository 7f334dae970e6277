"""What functions see of a request, what clients see of a result, and who serves which path."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.domain.errors import InvalidRequestError
from recollect.entrypoints.gateway import (
    MalformedResultError,
    RawHeaders,
    decoded_path,
    http_event,
    http_response,
    refusal,
)
from recollect.entrypoints.route_table import Match, Route, RouteTable

NOW = datetime(2020, 3, 12, 19, 3, 58, 390_000, tzinfo=UTC)


def an_event(
    method: str = "GET",
    path: bytes = b"/",
    query: bytes = b"",
    headers: RawHeaders = (),
    body: bytes = b"",
    **changes: Any,  # noqa: ANN401 - passed on
) -> dict[str, Any]:
    known: dict[str, Any] = {"source_ip": "192.0.2.1", "now": NOW, "request_id": "request-1"}
    return http_event(method, path, query, headers, body, **known | changes)


def a_text_event(body: bytes, content_type: bytes) -> dict[str, Any]:
    return an_event("POST", headers=[(b"content-type", content_type)], body=body)


# Requests


def test_an_event_has_the_documented_fields() -> None:
    headers = [(b"Host", b"api.example.com:8080"), (b"User-Agent", b"agent/1")]
    match = Match("read", "GET /v1/memories/{memory_id}", {"memory_id": "7"})

    event = an_event(path=b"/v1/memories/7", query=b"a=1", headers=headers, match=match)

    assert event == {
        "version": "2.0",
        "routeKey": "GET /v1/memories/{memory_id}",
        "rawPath": "/v1/memories/7",
        "rawQueryString": "a=1",
        "headers": {
            "host": "api.example.com:8080",
            "user-agent": "agent/1",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"a": "1"},
        "pathParameters": {"memory_id": "7"},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": "GET",
                "path": "/v1/memories/7",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "agent/1",
            },
            "requestId": "request-1",
            "routeKey": "GET /v1/memories/{memory_id}",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1584039838390,
        },
        "isBase64Encoded": False,
    }


def test_a_bare_request_has_no_optional_fields() -> None:
    event = an_event()

    absent = {"cookies", "queryStringParameters", "pathParameters", "body"}
    assert absent.isdisjoint(event)
    assert event["routeKey"] == event["requestContext"]["routeKey"] == "$default"


def test_the_time_is_told_in_utc() -> None:
    paris = NOW.astimezone(timezone(timedelta(hours=1)))

    context = an_event(now=paris)["requestContext"]

    assert context["time"] == "12/Mar/2020:19:03:58 +0000"
    assert context["timeEpoch"] == NOW.timestamp() * 1000


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/v2/entities/user/al%20ice%2Fx/", "/v2/entities/user/al ice/x/"),
        (b"/caf%C3%A9/%F0%9F%90%B6", "/café/🐶"),
        (b"/a+b", "/a+b"),
        (b"/a%252Fb", "/a%2Fb"),
        (b"/%FF", "/\N{REPLACEMENT CHARACTER}"),
        (b"/100%/%zz", "/100%/%zz"),
        (b"//v1//ping/", "//v1//ping/"),
        (b"/a/../b", "/a/../b"),
    ],
)
def test_a_path_is_decoded_once_and_otherwise_left_alone(raw: bytes, path: str) -> None:
    event = an_event(path=raw)

    assert event["rawPath"] == event["requestContext"]["http"]["path"] == decoded_path(raw) == path


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        (b"a=1&b=2", {"a": "1", "b": "2"}),
        (b"a=1&b=2&a=3&a=", {"a": "1,3,", "b": "2"}),
        (b"q=a%20b+c&q=%26%2C%3D", {"q": "a b c,&,="}),
        (b"name%5B%5D=caf%C3%A9", {"name[]": "café"}),
        (b"flag&empty=", {"flag": "", "empty": ""}),
        (b"a=1;b=2", {"a": "1;b=2"}),
        (b"bad=%FF%zz", {"bad": "\N{REPLACEMENT CHARACTER}%zz"}),
    ],
)
def test_a_query_is_kept_raw_and_decoded(query: bytes, parameters: dict[str, str]) -> None:
    event = an_event(query=query)

    assert event["rawQueryString"] == query.decode()
    assert event["queryStringParameters"] == parameters


def test_headers_are_lower_case_and_duplicates_are_joined() -> None:
    headers = [(b"X-Tag", b"one"), (b"x-TAG", b"two, three"), (b"X-Name", b"caf\xe9")]

    event = an_event(headers=headers)

    assert event["headers"]["x-tag"] == "one,two, three"
    assert event["headers"]["x-name"] == "café"


def test_headers_of_the_connection_are_not_passed_on() -> None:
    headers = [(b"Connection", b"keep-alive"), (b"Transfer-Encoding", b"chunked"), (b"TE", b"x")]

    event = an_event(headers=headers)

    assert set(event["headers"]) == {"x-forwarded-for", "x-forwarded-proto"}


def test_cookies_leave_the_headers_for_a_list() -> None:
    headers = [(b"Cookie", b"a=1; b=x,y;c=3"), (b"cookie", b"d=4; ")]

    event = an_event(headers=headers)

    assert event["cookies"] == ["a=1", "b=x,y", "c=3", "d=4"]
    assert "cookie" not in event["headers"]


def test_the_sender_is_added_to_earlier_ones_and_the_scheme_is_not_the_clients_to_say() -> None:
    headers = [(b"X-Forwarded-For", b"203.0.113.9"), (b"X-Forwarded-Proto", b"gopher")]

    fields = an_event(headers=headers, scheme="https")["headers"]

    assert fields["x-forwarded-for"] == "203.0.113.9,192.0.2.1"
    assert fields["x-forwarded-proto"] == "https"


@pytest.mark.parametrize(
    ("host", "domain", "prefix"),
    [
        (b"127.0.0.1:8080", "127.0.0.1", "127"),
        (b"[::1]:8080", "[::1]", "[::1]"),
        (b"localhost", "localhost", "localhost"),
    ],
)
def test_the_domain_is_the_host_without_its_port(host: bytes, domain: str, prefix: str) -> None:
    context = an_event(headers=[(b"host", host)])["requestContext"]

    assert (context["domainName"], context["domainPrefix"]) == (domain, prefix)


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/json",
        b"Application/JSON; charset=UTF-8",
        b'application/xml;charset="utf-8"',
        b"application/javascript",
        b"text/plain",
        b"text/markdown; format=flowed",
    ],
)
def test_text_arrives_as_text(content_type: bytes) -> None:
    event = a_text_event("grüße 🐶".encode(), content_type)

    assert event["body"] == "grüße 🐶"
    assert event["isBase64Encoded"] is False


@pytest.mark.parametrize(
    "content_type",
    [
        b"",
        b"application/octet-stream",
        b"application/x-www-form-urlencoded",
        b"application/vnd.api+json",
        b"multipart/form-data; boundary=x",
        b"text/plain; charset=iso-8859-1",
    ],
)
def test_other_types_arrive_in_base64(content_type: bytes) -> None:
    event = a_text_event(b"a=1", content_type)

    assert event["body"] == base64.b64encode(b"a=1").decode()
    assert event["isBase64Encoded"] is True


def test_text_that_is_not_utf_8_arrives_in_base64() -> None:
    event = a_text_event(b"caf\xe9", b"text/plain")

    assert base64.b64decode(event["body"]) == b"caf\xe9"
    assert event["isBase64Encoded"] is True


HEADERS = st.lists(
    st.tuples(
        st.sampled_from([b"host", b"cookie", b"content-type", b"x-any", b"x-forwarded-for"]),
        st.binary(max_size=40) | st.sampled_from([b"text/plain", b"application/json"]),
    )
)


@given(st.binary(), st.binary(), HEADERS, st.binary())
def test_any_bytes_make_an_event_that_is_json_and_keeps_the_body(
    path: bytes, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    event = an_event("POST", path, query, headers, body)

    sent = json.loads(json.dumps(event).encode())
    text = sent.get("body", "")
    assert (base64.b64decode(text) if sent["isBase64Encoded"] else text.encode()) == body
    assert sent["rawQueryString"].encode("latin-1") == query


# Responses


def test_a_result_becomes_a_response() -> None:
    result = {
        "statusCode": 201,
        "headers": {"Content-Type": "application/json", "X-A": "1"},
        "body": '{"é": 1}',
        "cookies": ["a=1; Path=/", "b=2"],
    }

    response = http_response(result)

    assert response.status == 201
    assert response.headers == (
        ("content-type", "application/json"),
        ("x-a", "1"),
        ("set-cookie", "a=1; Path=/"),
        ("set-cookie", "b=2"),
        ("content-length", "9"),
    )
    assert response.body == '{"é": 1}'.encode()


def test_a_base64_body_is_decoded() -> None:
    response = http_response({"statusCode": 200, "body": "AP+A", "isBase64Encoded": True})

    assert response.body == b"\x00\xff\x80"


@pytest.mark.parametrize("result", [{"statusCode": 200}, {"statusCode": 200, "body": None}])
def test_a_body_may_be_missing(result: dict[str, object]) -> None:
    response = http_response(result)

    assert response.body == b""
    assert dict(response.headers)["content-length"] == "0"
    assert dict(response.headers)["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body(status: int) -> None:
    response = http_response({"statusCode": status, "body": "text", "headers": {"etag": "1"}})

    assert response.body == b""
    assert response.headers == (("etag", "1"),)


@pytest.mark.parametrize(
    ("result", "body"),
    [
        ({"message": "é"}, '{"message": "é"}'),
        ({"body": "text", "headers": {}}, '{"body": "text", "headers": {}}'),
        ("Hello", "Hello"),
        ([1], "[1]"),
        (None, "null"),
    ],
)
def test_a_result_without_a_status_is_the_json_of_a_200(result: object, body: str) -> None:
    response = http_response(result)

    assert response.status == 200
    assert response.body == body.encode()
    assert dict(response.headers)["content-type"] == "application/json"


def test_only_the_gateway_speaks_of_the_connection_and_the_length() -> None:
    headers = {"Content-Length": "7", "Connection": "close", "Transfer-Encoding": "chunked"}

    response = http_response({"statusCode": 200, "headers": headers, "body": "ok"})

    assert dict(response.headers) == {
        "content-length": "2",
        "content-type": "text/plain; charset=utf-8",
    }


def test_headers_of_format_1_are_ignored() -> None:
    response = http_response({"statusCode": 200, "multiValueHeaders": {"x-a": ["1"]}})

    assert "x-a" not in dict(response.headers)


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "200"},
        {"statusCode": True},
        {"statusCode": 100},
        {"statusCode": 600},
        {"statusCode": None},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "####", "isBase64Encoded": True},
        {"statusCode": 200, "body": "\ud800"},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"x-a": "1\r\nset-cookie: stolen=1"}},
        {"statusCode": 200, "headers": {"x a": "1"}},
        {"statusCode": 200, "headers": {"x-a": 1}},
        {"statusCode": 200, "headers": {"x-a": "🐶"}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "cookies": ["a=1\nb"]},
        {"a": object()},
        "\ud800",
    ],
)
def test_a_result_that_cannot_be_sent_is_refused(result: object) -> None:
    with pytest.raises(MalformedResultError):
        http_response(result)


def test_a_refusal_can_be_read_by_every_client() -> None:
    response = refusal(413, "Too large")

    assert json.loads(response.body) == dict.fromkeys(("detail", "error", "message"), "Too large")
    assert dict(response.headers)["content-type"] == "application/json"


# Routes

KEYS = (
    "ANY /{proxy+}",
    "GET /pets/{proxy+}",
    "GET /pets/dog/{id}",
    "GET /pets/dog/1",
    "ANY /pets/dog/2",
    "POST /pets/dog/2",
    "GET /pets/{kind}/list",
    "GET /v1/ping",
    "GET /v1/ping/",
)
FALLBACK = Route("fallback", "ANY", "$default")
GUIDE = RouteTable((FALLBACK, *(Route(key, *key.split(" ")) for key in KEYS)))


@pytest.mark.parametrize(
    ("method", "path", "function"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1"),
        ("GET", "/pets/dog/3", "GET /pets/dog/{id}"),
        ("GET", "/pets/cat/2", "GET /pets/{proxy+}"),
        ("POST", "/pets/dog/4", "ANY /{proxy+}"),
        ("POST", "/pets/dog/2", "POST /pets/dog/2"),
        ("GET", "/pets/dog/2", "ANY /pets/dog/2"),
        ("GET", "/pets/cat/list", "GET /pets/{kind}/list"),
        ("GET", "/pets/dog/list", "GET /pets/dog/{id}"),
        ("GET", "/pets/dog/1/", "GET /pets/{proxy+}"),
        ("GET", "/pets/dog/a/b", "GET /pets/{proxy+}"),
        ("GET", "/v1/ping", "GET /v1/ping"),
        ("GET", "/v1/ping/", "GET /v1/ping/"),
        ("HEAD", "/v1/ping", "ANY /{proxy+}"),
        ("get", "/v1/ping", "ANY /{proxy+}"),
        ("GET", "/", "fallback"),
    ],
)
def test_the_most_specific_route_serves(method: str, path: str, function: str) -> None:
    match = GUIDE.route(method, path)

    assert match is not None
    assert match.function == function
    assert match.route_key == ("$default" if function == "fallback" else function)


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/pets/dog/a b", {"id": "a b"}),
        ("/pets/dog/a\nb", {"id": "a\nb"}),
        ("/pets/fish/1/2/", {"proxy": "fish/1/2/"}),
        ("/pets/dog/1", {}),
    ],
)
def test_a_match_has_the_path_parameters(path: str, parameters: dict[str, str]) -> None:
    match = GUIDE.route("GET", path)

    assert match is not None
    assert match.path_parameters == parameters


def test_a_parameter_is_never_empty() -> None:
    table = RouteTable((Route("read", "GET", "/a/{id}/b"), Route("read", "GET", "/c/{rest+}")))

    assert table.route("GET", "/a//b") is None
    assert table.route("GET", "/c/") is None


def test_fixed_text_is_not_a_pattern() -> None:
    table = RouteTable((Route("read", "GET", "/a.b"),))

    assert table.route("GET", "/a-b") is None


def test_without_a_default_route_unknown_paths_have_nobody() -> None:
    table = RouteTable((Route("read", "GET", "/v1/ping"),))

    assert table.route("GET", "/v1/pong") is None
    assert table.route("POST", "/v1/ping") is None


def test_two_functions_cannot_claim_one_route() -> None:
    with pytest.raises(InvalidRequestError, match="GET /v1/ping"):
        RouteTable((Route("read", "GET", "/v1/ping"), Route("add", "GET", "/v1/ping")))


TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Handler: handler.lambda_handler, Layers: [!Ref SharedLayer]}}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub "${AWS::StackName}-index"}
  Read:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/read/
      Policies: [SQSSendMessagePolicy: {QueueName: !GetAtt Queue.QueueName}]
      Events:
        Ping: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /v1/ping, Method: GET}}
        Any: {Type: HttpApi, Properties: {Path: "/v1/{rest+}", Method: any}}
        Everything: {Type: HttpApi}
        Nightly: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
  Projector:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/projector/
      Events:
        Index: {Type: SQS, Properties: {Queue: !GetAtt Queue.Arn, BatchSize: 10}}
"""


PATH_IS_A_LIST = """
Resources:
  Read:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/read/, Events: {E: {Type: HttpApi, Properties: {Path: []}}}}
"""


def a_template(folder: Path, text: str) -> Path:
    path = folder / "template.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_template_gives_the_routes_of_its_http_events(tmp_path: Path) -> None:
    table = RouteTable.from_template(a_template(tmp_path, TEMPLATE))

    assert table.routes == (
        Route("read", "GET", "/v1/ping"),
        Route("read", "ANY", "/v1/{rest+}"),
        Route("read", "ANY", "$default"),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no function"),
        ("just text", "no function"),
        ("Resources: {Queue: {Type: AWS::SQS::Queue}}", "no function"),
        ("Resources: [unclosed", "cannot be read"),
        ("Resources: {F: {Properties: {Events: {E: {Type: HttpApi}}}}}", "CodeUri"),
        (PATH_IS_A_LIST, "text for Path"),
    ],
)
def test_a_template_that_is_none_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = a_template(tmp_path, text)

    with pytest.raises(InvalidRequestError, match=reason) as caught:
        RouteTable.from_template(path)

    assert "\n" not in str(caught.value)


def test_a_missing_template_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        RouteTable.from_template(tmp_path / "template.yaml")
