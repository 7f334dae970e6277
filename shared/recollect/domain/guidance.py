"""What a project, or one call, asks of whoever reads its conversations."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from recollect.domain.errors import InvalidRequestError

MAX_WISH_LENGTH = 20_000
"""Characters of one instruction or prompt: some 5,000 tokens of every call of a model."""
MAX_CATEGORIES = 100
MAX_CATEGORY_LENGTH = 64
MAX_DESCRIPTION_LENGTH = 500


@dataclass(frozen=True, kw_only=True)
class Guidance:
    """Wishes about what is remembered, in the caller's own words; empty ones ask for nothing.

    `use_case` tells what the memories are for, `depth` how much of it is worth remembering, and
    `language` what they are written in, if not in that of the message each comes from.
    `instructions` are for what people say, `agent_instructions` for what the agent says.
    `categories` is the catalogue of categories, name -> description. The prompts replace ours, but
    for the rules about data and the form of the answer.

    Raises `InvalidRequestError` for wishes that are too long or too many.
    """

    instructions: str = ""
    agent_instructions: str = ""
    includes: str = ""
    excludes: str = ""
    categories: Mapping[str, str] | None = None
    extraction_prompt: str = ""
    decision_prompt: str = ""
    use_case: str = ""
    depth: str = ""
    language: str = ""

    def __post_init__(self) -> None:
        """Refuse what no model should be given."""
        for each in fields(self):
            wish = getattr(self, each.name)
            if isinstance(wish, str) and len(wish) > MAX_WISH_LENGTH:
                name = each.name.replace("_", " ")
                message = f"The {name} must have at most {MAX_WISH_LENGTH} characters"
                raise InvalidRequestError(message)
        _check_categories(self.categories or {})

    def over(self, other: "Guidance") -> "Guidance":
        """Return these wishes, and the other's where there is none."""
        return Guidance(
            **{
                each.name: getattr(self, each.name) or getattr(other, each.name)
                for each in fields(self)
            }
        )


def _check_categories(categories: Mapping[str, str]) -> None:
    if len(categories) > MAX_CATEGORIES:
        message = f"There must be at most {MAX_CATEGORIES} categories"
        raise InvalidRequestError(message)
    for name, description in categories.items():
        if not name.strip() or len(name) > MAX_CATEGORY_LENGTH:
            message = f"The name of a category must have 1 to {MAX_CATEGORY_LENGTH} characters"
            raise InvalidRequestError(message)
        if len(description) > MAX_DESCRIPTION_LENGTH:
            message = (
                f"The description of a category must have at most {MAX_DESCRIPTION_LENGTH}"
                " characters"
            )
            raise InvalidRequestError(message)
