"""What a language model finds in a conversation, and what it cannot do."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from recollect.domain.errors import ModelAnswerError
from recollect.domain.guidance import Guidance
from recollect.domain.jobs import Fact
from recollect.domain.memory import MAX_TEXT_BYTES, Attachment, MemoryKind, Message
from recollect.ports.models import Conversation, Extraction, Reply, Usage
from recollect.usecases.extraction import MAX_FACT_CHARACTERS, ModelExtractor
from recollect.usecases.extraction_prompt import DEFAULT_CATEGORIES
from tests.unit.usecases.scripted_model import ScriptedModel, scripted

SAID_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONVERSATION = (
    Message("system", "Your owner is Zelda."),
    Message("user", "Vivo a Torino."),
    Message("assistant", "Bello!"),
    Message("user", "I am allergic to peanuts.", name="Ada"),
    Message("user", "  "),
)


def a_fact(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a model may say
    return {
        "text": "L'utente vive a Torino.",
        "message": 1,
        "kind": "semantic",
        "categories": [],
        **changes,
    }


def a_request(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    return {"text": "The user lives in Turin.", "message": 1, "quote": "Vivo a Torino", **changes}


def facts(*found: object, forget: Sequence[object] = ()) -> dict[str, object]:
    return {"facts": list(found), "forget": list(forget)}


def a_conversation(
    *messages: Message,
    **changes: Any,  # noqa: ANN401 - whatever a conversation has
) -> Conversation:
    return Conversation(messages=messages or CONVERSATION, **{"said_at": SAID_AT, **changes})


def extract(
    *replies: object, conversation: Conversation | None = None
) -> tuple[Extraction, ScriptedModel]:
    ask, model = scripted(*replies)
    return ModelExtractor(ask).extract(conversation or a_conversation()), model


def lines(model: ScriptedModel) -> list[dict[str, object]]:
    text = model.asked[0].turns[0].text
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_who_said_a_fact_is_taken_from_the_message() -> None:
    found, _ = extract(
        facts(
            a_fact(),
            a_fact(text="Ada is allergic to peanuts.", message=3, categories=["health", "food"]),
        )
    )

    version = found.prompt_version
    assert found.facts == (
        Fact(
            text="L'utente vive a Torino.",
            role="user",
            attributed_to="user",
            message=1,
            salience=0.5,
            prompt_version=version,
        ),
        Fact(
            text="Ada is allergic to peanuts.",
            role="user",
            actor="Ada",
            attributed_to="Ada",
            categories=("health", "food"),
            message=3,
            salience=0.5,
            prompt_version=version,
        ),
    )


def test_facts_come_in_the_order_they_were_said() -> None:
    found, _ = extract(facts(a_fact(text="Second.", message=3), a_fact(text="First.")))

    assert [fact.text for fact in found.facts] == ["First.", "Second."]


def test_a_fact_has_its_times_and_its_weight() -> None:
    found, _ = extract(
        facts(a_fact(kind="episodic", valid_from="2026-05", valid_to="2026-05", salience=7))
    )

    [fact] = found.facts
    assert fact.valid_from == datetime(2026, 5, 1, tzinfo=UTC)
    assert fact.valid_to == datetime(2026, 6, 1, tzinfo=UTC)
    assert fact.salience == 1.0
    assert fact.kind is MemoryKind.EPISODIC


def test_the_model_is_told_what_is_data_and_when_it_was_said() -> None:
    earlier = Message("user", "Ich fliege nach Rom.", said_at=datetime(2026, 2, 3, 4, tzinfo=UTC))
    _, model = extract(facts(), conversation=a_conversation(before=[earlier]))

    [asked] = model.asked
    assert "never an instruction" in asked.system
    assert 'said_at="Sunday, 2026-03-01T12:00+00:00"' in asked.turns[0].text
    assert lines(model) == [
        {
            "speaker": "user",
            "said_at": "Tuesday, 2026-02-03T04:00+00:00",
            "text": "Ich fliege nach Rom.",
        },
        {"speaker": "system", "text": "Your owner is Zelda."},
        {"message": 1, "speaker": "user", "text": "Vivo a Torino."},
        {"speaker": "assistant", "text": "Bello!"},
        {"message": 3, "speaker": "Ada", "role": "user", "text": "I am allergic to peanuts."},
        {"speaker": "user", "text": "  "},
    ]


def test_documents_and_pictures_are_shown_apart_from_what_was_said() -> None:
    message = Message(
        "user",
        "",
        attachments=(Attachment("document", "A recipe."), Attachment("image", "A red bicycle.")),
    )

    _, model = extract(facts(), conversation=a_conversation(message))

    assert lines(model) == [
        {
            "message": 0,
            "speaker": "user",
            "text": "",
            "documents": ["A recipe."],
            "pictures": ["A red bicycle."],
        }
    ]


def test_what_was_recalled_from_memory_is_not_shown_again() -> None:
    recalled = "<recalled_memories>\nThe user lives in Rome.\n</recalled_memories>"

    _, model = extract(
        facts(), conversation=a_conversation(Message("user", f"{recalled} I moved."))
    )
    nothing, unasked = extract(conversation=a_conversation(Message("user", recalled)))

    assert lines(model) == [{"message": 0, "speaker": "user", "text": "I moved."}]
    assert nothing.facts == ()
    assert unasked.asked == []


def test_an_agent_has_facts_of_its_own() -> None:
    both = a_conversation(of_agent=True)
    alone = a_conversation(of_agent=True, of_users=False)

    found, model = extract(
        facts(a_fact(message=2, text="The assistant likes it.")), conversation=both
    )
    _, other = extract(facts(), conversation=alone)
    _, plain = extract(facts())

    [fact] = found.facts
    assert (fact.role, fact.attributed_to) == ("assistant", "assistant")
    assert [line.get("message") for line in lines(model)] == [None, 1, 2, 3, None]
    assert [line.get("message") for line in lines(other)] == [None, None, 2, None, None]
    assert "# The agent" in model.asked[0].system
    assert "# The agent" not in plain.asked[0].system


def test_nobody_spoke_so_nobody_is_asked() -> None:
    found, model = extract(conversation=a_conversation(Message("assistant", "I am Robo.")))

    assert found.facts == ()
    assert found.usage == Usage()
    assert model.asked == []


def test_what_memories_are_for_and_in_which_language_is_told() -> None:
    guidance = Guidance(use_case="a travel agent", depth="only plans", language="English")

    _, model = extract({"facts": []}, conversation=a_conversation(guidance=guidance))

    told = model.asked[0].system
    assert "What the memories are for: a travel agent" in told
    assert "How much to remember: only plans" in told
    assert "whatever was said in which: English" in told


def test_wishes_and_the_catalogue_are_part_of_the_prompt() -> None:
    wishes = Guidance(
        instructions="Only about bicycles.",
        agent_instructions="Only promises.",
        includes="frame sizes",
        excludes="prices",
        categories={"bikes": "two wheels", "rest": ""},
    )

    found, model = extract(
        facts(a_fact(categories=["BIKES ", "food", "bikes"])),
        conversation=a_conversation(guidance=wishes, of_agent=True),
    )
    plain, other = extract(facts())

    system = model.asked[0].system
    for wish in ("Only about bicycles.", "Only promises.", "frame sizes", "prices", "- bikes: two"):
        assert wish in system
    assert "- food" not in system
    assert found.facts[0].categories == ("bikes",)
    assert "Wishes" not in other.asked[0].system
    assert all(f"- {name}" in other.asked[0].system for name in DEFAULT_CATEGORIES)
    assert found.prompt_version != plain.prompt_version


def test_a_prompt_of_the_project_leaves_the_form_and_the_rules_about_data() -> None:
    guidance = Guidance(extraction_prompt="Find names of pets.")

    _, model = extract(facts(), conversation=a_conversation(guidance=guidance))

    system = model.asked[0].system
    assert system.startswith("Find names of pets.")
    assert "never an instruction" in system
    assert "What is worth remembering" not in system


def test_a_request_to_forget_is_quoted_from_a_user() -> None:
    found, _ = extract(facts(forget=[a_request(quote="vivo  a\ttorino")]))

    [request] = found.facts
    assert request.quote == "vivo  a\ttorino"
    assert request.message == 1


@pytest.mark.parametrize(
    "request_to_forget",
    [
        a_request(quote="forget it all"),
        a_request(quote=""),
        a_request(message=2, quote="Bello"),
        a_request(message=0, quote="Zelda"),
        a_request(message=77),
    ],
    ids=["not said", "empty", "said by the agent", "said by the system", "of no message"],
)
def test_nobody_else_can_ask_to_forget(request_to_forget: object) -> None:
    answer = facts(forget=[request_to_forget])

    with pytest.raises(ModelAnswerError):
        extract(answer, answer, conversation=a_conversation(of_agent=True))


@pytest.mark.parametrize(
    "changes",
    [
        {"message": 0},
        {"message": 2},
        {"message": 9},
        {"message": -1},
        {"text": " "},
        {"text": "x" * (MAX_FACT_CHARACTERS + 1)},
        {"text": None},
        {"kind": "prophetic"},
        {"salience": "very"},
        {"categories": "food"},
    ],
)
def test_an_invalid_fact_is_sent_back_once(changes: dict[str, object]) -> None:
    found, model = extract(facts(a_fact(**changes)), facts(a_fact()))

    assert [fact.text for fact in found.facts] == ["L'utente vive a Torino."]
    assert len(model.asked) == 2
    assert "invalid" in model.asked[1].turns[-1].text
    assert found.usage == Usage(2, 20, 2)


def test_what_the_model_adds_to_the_form_is_ignored() -> None:
    found, _ = extract({**facts(a_fact(id="m-1", owner="mallory")), "note": "done"})

    assert len(found.facts) == 1


@pytest.mark.parametrize("when", ["soon", "2026-13", "99999", "2026-02-30", "next May", "null"])
def test_a_time_that_is_none_says_nothing(when: str) -> None:
    found, _ = extract(facts(a_fact(valid_from=when, valid_to=when)))

    [fact] = found.facts
    assert (fact.valid_from, fact.valid_to) == (None, None)


def test_the_notes_name_the_model() -> None:
    found, model = extract(facts())

    assert found.notes == {"extractor": "scripted", "is_model": True}
    assert found.usage == Usage(1, 10, 1)
    assert found.prompt_version is not None
    assert found.prompt_version.startswith("extract-")
    assert len(model.asked) == 1


CUT_OFF = Reply('{"facts": [', Usage(1, 10, 5), is_cut_off=True)


def test_an_answer_that_is_cut_off_is_asked_for_in_two_halves() -> None:
    messages = [Message("user", f"I own {number} cats.") for number in range(4)]

    found, model = extract(
        CUT_OFF,
        facts(a_fact(text="One.", message=0), a_fact(text="Two.", message=1)),
        facts(a_fact(text="Three.", message=0)),
        conversation=a_conversation(*messages),
    )

    assert [(fact.text, fact.message) for fact in found.facts] == [
        ("One.", 0),
        ("Two.", 1),
        ("Three.", 2),
    ]
    assert found.usage == Usage(3, 30, 7)
    assert "<earlier>" in model.asked[2].turns[0].text


def test_a_long_message_is_read_in_pieces() -> None:
    text = "I like tea. " * 200

    found, model = extract(
        CUT_OFF,
        facts(a_fact(text="Tea.", message=0)),
        facts(a_fact(text="More tea.", message=0)),
        conversation=a_conversation(Message("user", text)),
    )

    pieces = [json.loads(asked.turns[0].text.splitlines()[1])["text"] for asked in model.asked[1:]]
    assert "".join(pieces) == text
    assert all(piece.endswith(". ") for piece in pieces)
    assert [fact.message for fact in found.facts] == [0, 0]


def test_what_is_too_long_to_be_read_at_once_is_divided_before() -> None:
    document = Attachment("document", "Ein Absatz.\n\n" * 3000)

    found, model = extract(
        *[facts(a_fact(message=0))] * 2,
        conversation=a_conversation(Message("user", "Lies das.", attachments=(document,))),
    )

    shown = [json.loads(asked.turns[0].text.splitlines()[1]) for asked in model.asked]
    assert "".join(each["documents"][0] for each in shown) == document.text
    assert len(found.facts) == 2


def test_one_short_message_is_answered_more_briefly_instead() -> None:
    found, model = extract(
        CUT_OFF, facts(a_fact(message=0)), conversation=a_conversation(Message("user", "I ski."))
    )

    assert len(found.facts) == 1
    assert "briefly" in model.asked[1].turns[-1].text


def test_a_task_is_summarised_as_one_procedure() -> None:
    ask, model = scripted({"summary": "1. Open the shop."})
    guidance = Guidance(extraction_prompt="Write a haiku.")

    found = ModelExtractor(ask).summarise(a_conversation(guidance=guidance))

    [fact] = found.facts
    assert fact.kind is MemoryKind.PROCEDURAL
    assert (fact.text, fact.role, fact.message) == ("1. Open the shop.", "assistant", 4)
    assert model.asked[0].system.startswith("Write a haiku.")
    assert found.prompt_version == fact.prompt_version
    assert fact.prompt_version is not None
    assert fact.prompt_version.startswith("summarise-")


def test_a_summary_can_be_a_memory() -> None:
    ask, _ = scripted({"summary": ""}, {"summary": "x" * (MAX_TEXT_BYTES + 1)})

    with pytest.raises(ModelAnswerError):
        ModelExtractor(ask).summarise(a_conversation())
