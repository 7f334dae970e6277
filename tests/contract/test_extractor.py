"""Every Extractor and every Decider of ours passes the published suites."""

import pytest

from recollect.adapters.local.rules import RuleBasedDecider, RuleBasedExtractor
from recollect.ports.models import Decider, Extractor
from recollect.testing.decider import *
from recollect.testing.extractor import *

EXTRACTORS = [pytest.param(RuleBasedExtractor, id="rules")]
DECIDERS = [pytest.param(RuleBasedDecider, id="rules")]


@pytest.fixture(params=EXTRACTORS)
def extractor(request: pytest.FixtureRequest) -> Extractor:
    built: Extractor = request.param()
    return built


@pytest.fixture(params=DECIDERS)
def decider(request: pytest.FixtureRequest) -> Decider:
    built: Decider = request.param()
    return built
