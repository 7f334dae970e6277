"""What a language model is told when it is to find the facts of a conversation."""

from collections.abc import Mapping

from recollect.domain.guidance import Guidance
from recollect.ports.models import Conversation
from recollect.usecases.prompts import Prompt, shipped

DEFAULT_CATEGORIES: Mapping[str, str] = {
    "personal_details": "name, age, address, contacts, identity",
    "family": "relatives, partners, children, pets",
    "professional_details": "work, employer, education, skills",
    "sports": "",
    "travel": "",
    "food": "eating, drinking, diets",
    "music": "",
    "health": "body, mind, illness, medicine, fitness",
    "technology": "devices, software, programming",
    "hobbies": "",
    "fashion": "",
    "entertainment": "films, series, games, books",
    "milestones": "what changed a life: a wedding, a degree, a move",
    "user_preferences": "how they like things to be, and to be helped",
    "misc": "what fits nowhere else",
}
"""The catalogue of mem0's platform."""


def extraction_prompt(conversation: Conversation) -> Prompt:
    """Return what a model is told about a conversation: what is wished for, data, and form."""
    guidance = conversation.guidance
    return Prompt.of(
        "extract",
        guidance.extraction_prompt or shipped("extract"),
        shipped("extract_agent") if conversation.of_agent else "",
        _wishes(conversation),
        _categories_told(catalogue_of(guidance)),
        shipped("extract_form"),
    )


def _wishes(conversation: Conversation) -> str:
    guidance = conversation.guidance
    of_agent = guidance.agent_instructions or guidance.instructions
    told = {
        "What the memories are for": guidance.use_case,
        "How much to remember": guidance.depth,
        "About what people say": guidance.instructions if conversation.of_users else "",
        "About what the assistant says": of_agent if conversation.of_agent else "",
        "Remember in any case": guidance.includes,
        "Never remember": guidance.excludes,
        "The language of every text, whatever was said in which": guidance.language,
    }
    wishes = [f"{title}: {wish}" for title, wish in told.items() if wish]
    return "\n\n".join(["# Wishes, which go before the rules above", *wishes]) if wishes else ""


def _categories_told(catalogue: Mapping[str, str]) -> str:
    lines = [f"- {name}: {what}" if what else f"- {name}" for name, what in catalogue.items()]
    return "\n".join(["# The catalogue of categories", "", *lines])


def catalogue_of(guidance: Guidance) -> Mapping[str, str]:
    """Return the categories there are, name -> description."""
    return guidance.categories or DEFAULT_CATEGORIES
