"""A function's process sees what Lambda would show it, and its end is noticed."""

import os
import re
import site
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import pytest

from scripts.artefacts import Artefact
from scripts.runtime_api import Answer, FunctionFailedError, RunningFunction, running

RUNTIME = Path(site.getsitepackages()[0])
"""The tests' own packages, awslambdaric among them."""
NOTHING: Mapping[str, str] = MappingProxyType({})


@contextmanager
def function(
    folder: Path, body: str, *, seconds: int = 20, environment: Mapping[str, str] = NOTHING
) -> Iterator[RunningFunction]:
    """Run a function whose handler has this body."""
    (folder / "handler.py").write_text(f"import os\ndef handle(event, context):\n    {body}\n")
    artefact = Artefact(
        name="sample",
        folder=folder,
        layers=(),
        handler="handler.handle",
        environment={"TOLD": "by the template", "CHOSEN": "by the template"},
        timeout_seconds=seconds,
        memory_megabytes=512,
    )
    with running(artefact, Path(sys.executable), RUNTIME, environment) as started:
        yield started


def answer(folder: Path, body: str, event: object = None) -> Answer:
    with function(folder, body) as started:
        return started.invoke(event)


def test_an_event_and_its_answer_are_json(tmp_path: Path) -> None:
    event = {"text": "Grüße 🦊", "numbers": [1, 2.5, None, True]}

    found = answer(tmp_path, "return {'got': event}", event)

    assert (found.value, found.is_error) == ({"got": event}, False)
    assert found.milliseconds > 0


def test_one_process_answers_many_events(tmp_path: Path) -> None:
    with function(tmp_path, "return [os.getpid(), event]") as started:
        answers = [started.invoke(number).value for number in range(20)]

    assert answers == [[answers[0][0], number] for number in range(20)]
    assert answers[0][0] != os.getpid()
    assert started.init_milliseconds > 0


def test_the_context_is_lambdas(tmp_path: Path) -> None:
    body = (
        "return [context.get_remaining_time_in_millis(), context.invoked_function_arn,"
        " context.aws_request_id, context.memory_limit_in_mb, context.function_name]"
    )

    remaining, arn, request_id, memory, name = answer(tmp_path, body).value

    assert 15_000 < remaining <= 20_000
    assert arn == "arn:aws:lambda:us-east-1:000000000000:function:sample"
    assert re.fullmatch("[0-9a-f-]{36}", request_id)
    assert (memory, name) == ("512", "sample")


def test_the_caller_has_the_last_word_on_a_variable(tmp_path: Path) -> None:
    body = "return [os.environ.get(name) for name in event]"

    with function(tmp_path, body, environment={"CHOSEN": "by the caller"}) as started:
        found = started.invoke(["TOLD", "CHOSEN", "HOME"])

    assert found.value == ["by the template", "by the caller", None]


def test_an_exception_is_an_error_with_its_type(tmp_path: Path) -> None:
    found = answer(tmp_path, "raise ValueError('no such luck')")

    assert found.is_error
    assert (found.value["errorType"], found.value["errorMessage"]) == ("ValueError", "no such luck")


def test_a_function_that_cannot_be_imported_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(FunctionFailedError, match=r"sample cannot start: .*nothing_of_this_name"),
        function(tmp_path, "pass\nimport nothing_of_this_name"),
    ):
        pass


def test_a_process_that_ends_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(FunctionFailedError, match="sample ended with exit status 3"):
        answer(tmp_path, "os._exit(3)")


@pytest.mark.slow
def test_a_function_whose_time_is_up_is_ended(tmp_path: Path) -> None:
    start = time.monotonic()

    with (
        function(tmp_path, "import threading; threading.Event().wait()", seconds=1) as started,
        pytest.raises(FunctionFailedError, match="sample timed out after 1 s"),
    ):
        started.invoke({})

    assert time.monotonic() - start < 15
