"""Every Extractor and every Decider of ours passes the published suites."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from recollect.adapters.local.rules import RuleBasedDecider, RuleBasedExtractor
from recollect.ports.models import Decider, Extractor
from recollect.testing.decider import *
from recollect.testing.extractor import *
from recollect.usecases.asking import AskModel
from recollect.usecases.deciding import ModelDecider
from recollect.usecases.extraction import ModelExtractor
from tests.contract.served_models import bedrock, openai

Reader = tuple[Extractor, Decider]
Build = Callable[[], AbstractContextManager[Reader]]


@contextmanager
def rules() -> Iterator[Reader]:
    yield RuleBasedExtractor(), RuleBasedDecider()


@contextmanager
def on_bedrock() -> Iterator[Reader]:
    with bedrock() as served:
        ask = AskModel(served.model)
        yield ModelExtractor(ask), ModelDecider(ask)


@contextmanager
def on_openai() -> Iterator[Reader]:
    with openai() as served:
        ask = AskModel(served.model)
        yield ModelExtractor(ask), ModelDecider(ask)


READERS = [
    pytest.param(rules, id="rules"),
    pytest.param(on_bedrock, id="bedrock"),
    pytest.param(on_openai, id="openai"),
]


@pytest.fixture(scope="module", params=READERS)
def reader(request: pytest.FixtureRequest) -> Iterator[Reader]:
    build: Build = request.param
    with build() as built:
        yield built


@pytest.fixture
def extractor(reader: Reader) -> Extractor:
    return reader[0]


@pytest.fixture
def decider(reader: Reader) -> Decider:
    return reader[1]
