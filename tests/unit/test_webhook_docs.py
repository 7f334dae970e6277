"""The guide to webhooks: its code tells our requests from others, and its numbers are ours."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recollect.adapters.web.webhooks import TIME_LIMIT_SECONDS
from recollect.domain.webhooks import (
    FIRST_PAUSE,
    KEPT,
    LONGEST_PAUSE,
    MAX_ATTEMPTS,
    MAX_WEBHOOKS,
    EventType,
    Problem,
)
from recollect.entrypoints.functions import ROOT
from recollect.usecases.deliver_webhooks import DELIVERY_HEADER, SIGNATURE_HEADER, signature
from recollect.usecases.manage_webhooks import MAX_PAGE_SIZE

GUIDE = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
SECRET, BODY = "whsec_test", '{"event_id": "é"}'.encode()


@pytest.fixture
def is_ours() -> Callable[..., bool]:
    [code] = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - what readers are told to run
    checker: Callable[..., bool] = names["is_ours"]
    return checker


def test_the_guides_code_takes_what_we_sign(is_ours: Callable[..., bool]) -> None:
    header = signature(SECRET, datetime.now(UTC), BODY)

    assert is_ours(SECRET, header, BODY)


@pytest.mark.parametrize(
    ("secret", "body", "age"),
    [
        ("whsec_another", BODY, timedelta(0)),
        (SECRET, BODY + b" ", timedelta(0)),
        (SECRET, BODY, timedelta(minutes=6)),
        (SECRET, BODY, -timedelta(minutes=6)),
    ],
)
def test_the_guides_code_refuses_what_is_not_ours_or_old(
    is_ours: Callable[..., bool], secret: str, body: bytes, age: timedelta
) -> None:
    header = signature(SECRET, datetime.now(UTC) - age, BODY)

    assert not is_ours(secret, header, body)


@pytest.mark.parametrize("header", ["", "t=,v1=", "t=1", "v1=ab", "t=²,v1=ab", "nonsense", "t=-1"])
def test_the_guides_code_refuses_what_is_no_signature(
    is_ours: Callable[..., bool], header: str
) -> None:
    assert not is_ours(SECRET, header, BODY)
    assert not is_ours(SECRET, f"t={int(time.time())},v1=", BODY)


def test_the_guide_says_what_is() -> None:
    assert all(f"`{event_type}`" in GUIDE for event_type in EventType)
    assert all(f"`{problem}`" in GUIDE for problem in Problem)
    assert all(header in GUIDE for header in (DELIVERY_HEADER, SIGNATURE_HEADER))
    assert f"at most {MAX_WEBHOOKS}" in GUIDE
    assert f"within {TIME_LIMIT_SECONDS:.0f} seconds" in GUIDE
    assert f"after {FIRST_PAUSE.seconds} s" in GUIDE
    assert f"up to {LONGEST_PAUSE.seconds // 60} minutes" in GUIDE
    assert (MAX_ATTEMPTS, "ten times in all" in GUIDE) == (10, True)
    assert f"last {KEPT.days} days" in GUIDE
    assert f"`page_size` up to {MAX_PAGE_SIZE}" in GUIDE
