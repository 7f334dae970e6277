"""`recollect doctor`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import click

from recollect import bootstrap
from recollect.entrypoints.cli.output import examples, one_line, print_json, print_table, say
from recollect.ports.models import Usage
from recollect.usecases.diagnose import Check, Diagnosis

MILLION: Final = 1_000_000
NO_MODEL: Final = (
    "No language model is configured: adds with infer=true use rules, which take plain statements"
    " word for word. For a model set RECOLLECT_LANGUAGE_MODEL to openai (any server that speaks"
    " its protocol) or bedrock, and RECOLLECT_CHAT_MODEL to the model's name, such as\n\n"
    "  RECOLLECT_LANGUAGE_MODEL=openai RECOLLECT_CHAT_MODEL=gpt-5-mini \\\n"
    "  RECOLLECT_OPENAI_URL=https://api.openai.com/v1 RECOLLECT_OPENAI_API_KEY=... "
    "recollect doctor\n\n"
    "docs/providers.md has the settings of every provider."
)
UNKNOWN: Final = "price unknown"


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens."""

    read: float
    written: float

    def of(self, usage: Usage) -> float:
        """Return what was spent, in US dollars."""
        spent = usage.input_tokens * self.read + usage.output_tokens * self.written
        return spent / MILLION


# As published in November 2026; Bedrock's for us-east-1. A model that another server offers under
# the same name may cost something else there.
# https://developers.openai.com/api/docs/pricing
# https://aws.amazon.com/bedrock/pricing/
PRICES: Final[Mapping[str, Price]] = {
    "gpt-5-mini": Price(0.25, 2.00),
    "gpt-5-nano": Price(0.05, 0.40),
    "gpt-4.1-mini": Price(0.40, 1.60),
    "gpt-4o-mini": Price(0.15, 0.60),
    "global.amazon.nova-2-lite-v1:0": Price(0.30, 2.50),
    "us.amazon.nova-2-lite-v1:0": Price(0.33, 2.75),
    "amazon.nova-lite-v1:0": Price(0.06, 0.24),
    "amazon.nova-pro-v1:0": Price(0.80, 3.20),
    "global.anthropic.claude-haiku-4-5-20251001-v1:0": Price(1.00, 5.00),
    "us.anthropic.claude-haiku-4-5-20251001-v1:0": Price(1.10, 5.50),
}

price_type = click.FloatRange(min=0)


@click.command(
    epilog=examples(
        "recollect doctor",
        "recollect doctor --input-price 0.25 --output-price 2",
    )
)
@click.option("--input-price", type=price_type, help="US dollars for a million tokens read.")
@click.option("--output-price", type=price_type, help="US dollars for a million tokens written.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def doctor(*, input_price: float | None, output_price: float | None, is_json: bool) -> None:
    """Check the models with questions of known answers.

    The models are those that the environment names. The embedder gets two texts; the language
    model is asked to find the facts of a short conversation, and to decide about three facts and
    three memories. Each step is printed with the time it took, the answers it needed (more than
    one means that an answer was invalid and the model was asked again), the tokens that they cost,
    and their price, if it is given or known.

    Nothing is stored. If anything is wrong, the exit status is 1.
    """
    given = _given(input_price, output_price)
    with bootstrap.choosing(edition="local") as closing, closing:
        found = bootstrap.diagnose()()
    if is_json:
        print_json(_as_json(found, given))
    else:
        _print(found, given)
    if not found.is_healthy:
        click.get_current_context().exit(1)


def _given(read: float | None, written: float | None) -> Price | None:
    if read is None and written is None:
        return None
    if read is None or written is None:
        message = "Give --input-price and --output-price together."
        raise click.UsageError(message)
    return Price(read, written)


def _print(found: Diagnosis, given: Price | None) -> None:
    header = ("step", "result", "ms", "calls", "tokens in", "tokens out", "cost", "model")
    print_table([header, *(_row(check, given) for check in found.checks)])
    for check in found.checks:
        for problem in check.problems:
            say(f"{check.name}: {one_line(problem)}.")
    for what_to_do in dict.fromkeys(check.what_to_do for check in found.checks if check.problems):
        say(what_to_do)
    if not _has_model(found):
        say(NO_MODEL)


def _row(check: Check, given: Price | None) -> tuple[str, ...]:
    usage = check.usage
    spent = (usage.calls, usage.input_tokens, usage.output_tokens)
    cost = _cost(check, given)
    return (
        check.name,
        "wrong" if check.problems else "ok",
        f"{check.seconds * 1000:.0f}",
        *(map(str, spent) if usage.calls else ("", "", "")),
        "" if not usage.calls else UNKNOWN if cost is None else f"${cost:.6f}",
        check.model,
    )


def _cost(check: Check, given: Price | None) -> float | None:
    price = given or PRICES.get(check.model)
    return price.of(check.usage) if price else None


def _has_model(found: Diagnosis) -> bool:
    return len(found.checks) > 1


def _as_json(found: Diagnosis, given: Price | None) -> dict[str, Any]:
    return {
        "is_healthy": found.is_healthy,
        "has_language_model": _has_model(found),
        "checks": [
            {
                "name": check.name,
                "model": check.model,
                "is_healthy": not check.problems,
                "problems": check.problems,
                "what_to_do": check.what_to_do or None,
                "milliseconds": round(check.seconds * 1000, 1),
                "calls": check.usage.calls,
                "repairs": check.repairs,
                "input_tokens": check.usage.input_tokens,
                "output_tokens": check.usage.output_tokens,
                "dollars": _cost(check, given) if check.usage.calls else None,
            }
            for check in found.checks
        ],
    }
