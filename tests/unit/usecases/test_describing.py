"""Pictures that a language model puts into words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from recollect.domain.errors import InvalidRequestError, ModelAnswerError
from recollect.domain.memory import Attachment, Message
from recollect.ports.models import Image, Usage
from recollect.usecases.describing import (
    MAX_DESCRIPTION_CHARACTERS,
    ModelDescriber,
    NoDescriber,
    has_pictures,
)
from tests.unit.usecases.scripted_model import ScriptedModel, scripted

DATA = "data:image/png;base64,AAAA"


@dataclass(frozen=True)
class Album:
    """Has a picture at every address, and notes which were asked for."""

    fetched: list[str] = field(default_factory=list)

    def fetch(self, url: str) -> Image:
        self.fetched.append(url)
        return Image("image/png", url.encode())


def picture(url: str, text: str = "") -> Attachment:
    return Attachment("image", text, url)


def describer(*replies: Sequence[str]) -> tuple[ModelDescriber, ScriptedModel, Album]:
    ask, model = scripted(*({"descriptions": reply} for reply in replies))
    album = Album()
    here: Callable[[], Album] = lambda: album  # noqa: E731
    return ModelDescriber(ask, here), model, album


def test_every_picture_is_described_in_its_place() -> None:
    describe, model, _ = describer(["A cat.", " A red bicycle. "])
    document = Attachment("document", "A recipe.")
    messages = (
        Message("user", "Look!", attachments=(picture(DATA), document)),
        Message("user", "And here"),
        Message("user", "", attachments=(picture("https://example.org/b.png"),)),
    )

    described, usage = describe.describe(messages)

    assert [message.attachments for message in described] == [
        (picture("", "A cat."), document),
        (),
        (picture("https://example.org/b.png", "A red bicycle."),),
    ]
    assert usage == Usage(1, 10, 1)
    assert [image.data for image in model.asked[0].turns[0].images] == [
        DATA.encode(),
        b"https://example.org/b.png",
    ]
    assert has_pictures(messages)
    assert not has_pictures(described)


def test_a_picture_that_is_shown_twice_is_looked_at_once() -> None:
    describe, _, album = describer(["A cat."])
    message = Message("user", "", attachments=(picture(DATA),))

    described, _ = describe.describe((message, message))

    assert album.fetched == [DATA]
    assert [each.attachments[0].text for each in described] == ["A cat."] * 2


def test_what_is_described_already_is_not_looked_at() -> None:
    describe, model, album = describer()
    message = Message("user", "", attachments=(picture("https://example.org/b.png", "A dog."),))

    assert describe.describe((message,)) == ((message,), Usage())
    assert album.fetched == []
    assert model.asked == []


def test_many_pictures_are_shown_in_several_calls() -> None:
    describe, model, _ = describer([f"Picture {at}." for at in range(5)], ["The last one."])
    pictures = tuple(picture(f"https://example.org/{at}.png") for at in range(6))

    [described], usage = describe.describe((Message("user", "", attachments=pictures),))

    assert described.attachments[5].text == "The last one."
    assert [len(asked.turns[0].images) for asked in model.asked] == [5, 1]
    assert usage.calls == 2


@pytest.mark.parametrize(
    "bad",
    [[], ["A cat.", "A dog."], [""], ["x" * (MAX_DESCRIPTION_CHARACTERS + 1)]],
    ids=["none", "too many", "empty", "enormous"],
)
def test_descriptions_that_cannot_be_are_sent_back_and_then_an_error(bad: list[str]) -> None:
    message = Message("user", "", attachments=(picture(DATA),))
    describe, model, _ = describer(bad, ["A cat."])

    [described], _ = describe.describe((message,))

    assert described.attachments[0].text == "A cat."
    assert len(model.asked) == 2
    with pytest.raises(ModelAnswerError):
        describer(bad, bad)[0].describe((message,))


def test_without_a_model_nobody_can_look() -> None:
    with pytest.raises(InvalidRequestError, match="no language model"):
        NoDescriber().describe((Message("user", "", attachments=(picture(DATA),)),))
