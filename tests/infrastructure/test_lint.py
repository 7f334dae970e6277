"""The templates are what CloudFormation accepts, as far as that can be known without it."""

import pytest
from cfnlint.api import lint_file  # type: ignore[import-untyped]  # published without types

from tests.infrastructure.templates import ROOT


@pytest.mark.slow
@pytest.mark.parametrize(
    "place",
    [
        "template.yaml",
        *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("stacks/*.yaml")),
    ],
)
def test_a_template_is_clean(place: str) -> None:
    assert not lint_file(ROOT / place)
