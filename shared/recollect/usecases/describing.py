"""Saying in words what is to be seen on pictures."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import BaseModel

from recollect.domain.errors import InvalidRequestError
from recollect.domain.memory import Attachment, Message
from recollect.ports.models import Pictures, PromptTurn, Usage
from recollect.usecases.asking import AskModel, bounded_text
from recollect.usecases.prompts import Prompt, shipped

SHOWN_TOGETHER = 5
"""Pictures a call: models take 20, but a request to Bedrock has at most 20 MB or so."""
MAX_DESCRIPTION_CHARACTERS = 4_000


class DescribePictures(BaseModel):
    """Say what is to be seen on each picture, in the order they come."""

    descriptions: list[Annotated[str, bounded_text("a description", MAX_DESCRIPTION_CHARACTERS)]]


@dataclass(frozen=True)
class ModelDescriber:
    """Has a language model that can see look at the pictures that came with messages."""

    ask: AskModel
    pictures: Callable[[], Pictures]
    """Asked for when there are some: most adds have none."""

    def describe(self, messages: Sequence[Message]) -> tuple[tuple[Message, ...], Usage]:
        """Return the messages with every picture put into words, and what that cost.

        Pictures that were sent along, and not only pointed at, are not kept. Raises
        `InvalidRequestError` if one cannot be had or will not be looked at, `UnavailableError` if
        one, or the model, cannot be reached, and `ModelAnswerError`.
        """
        urls = dict.fromkeys(each.url for message in messages for each in _undescribed(message))
        described, usage = dict[str, str](), Usage()
        waiting = list(urls)
        while waiting:
            shown, waiting = waiting[:SHOWN_TOGETHER], waiting[SHOWN_TOGETHER:]
            texts, cost = self._descriptions(shown)
            described.update(zip(shown, texts, strict=True))
            usage += cost
        return tuple(_with_descriptions(message, described) for message in messages), usage

    def _descriptions(self, urls: Sequence[str]) -> tuple[list[str], Usage]:
        with ThreadPoolExecutor(max_workers=SHOWN_TOGETHER) as pool:
            images = tuple(pool.map(self.pictures().fetch, urls))
        prompt = Prompt.of("describe", shipped("describe"))
        turn = PromptTurn("user", f"Describe these {len(images)} pictures.", images)

        def read(answer: DescribePictures) -> list[str]:
            if len(answer.descriptions) != len(images):
                message = f"there must be one description for each of the {len(images)} pictures"
                raise ValueError(message)
            return answer.descriptions

        return self.ask(prompt.text, turn, DescribePictures, read)


@dataclass(frozen=True)
class NoDescriber:
    """Stands in where no language model is configured."""

    def describe(self, messages: Sequence[Message]) -> tuple[tuple[Message, ...], Usage]:
        """Raise `InvalidRequestError`: nobody can look at pictures."""
        message = (
            f"Pictures in {len(messages)} messages cannot be looked at: no language model is"
            " configured"
        )
        raise InvalidRequestError(message)


def has_pictures(messages: Sequence[Message]) -> bool:
    """Tell whether there are pictures that nobody has looked at yet."""
    return any(_undescribed(message) for message in messages)


def _undescribed(message: Message) -> list[Attachment]:
    return [each for each in message.attachments if each.kind == "image" and not each.text]


def _with_descriptions(message: Message, described: dict[str, str]) -> Message:
    attachments = tuple(
        replace(each, text=described[each.url], url=_kept(each.url))
        if each.url in described and not each.text
        else each
        for each in message.attachments
    )
    return replace(message, attachments=attachments)


def _kept(url: str) -> str:
    return "" if url.startswith("data:") else url
