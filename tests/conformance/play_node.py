"""Every method of mem0's npm clients: of 2.x, which speaks v1 and v2, and of 3.x.

The newer one writes the keys of answers in camel case, except under a few names.
"""

import re
from typing import Any, Final

from tests.conformance import shapes, side_shapes
from tests.conformance.outcomes import Play
from tests.conformance.play_python import ADA, BEES, HOOK, PIANO, SCHEMA, remembered

NOT_RENAMED: Final = {"metadata", "structured_data_schema", "custom_categories"}
"""Whose inner keys the newer client leaves as they are."""


def snake(answer: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return an answer with its keys as the service sent them."""
    if isinstance(answer, list):
        return [snake(each) for each in answer]
    if not isinstance(answer, dict):
        return answer
    named = {re.sub(r"([A-Z])", r"_\1", name).lower(): each for name, each in answer.items()}
    return {name: each if name in NOT_RENAMED else snake(each) for name, each in named.items()}


def camel(options: dict[str, Any]) -> dict[str, Any]:
    """Return options under the names that the newer client has for them."""
    return {
        re.sub(r"_(\w)", lambda found: found[1].upper(), name): value
        for name, value in options.items()
    }


def named(play: Play, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return options under the names that this client has for them."""
    return options if play.client.is_legacy else camel(options)


def said(text: str) -> list[dict[str, str]]:
    """Return a text as the messages that these clients take."""
    return [{"role": "user", "content": text}]


def pings(play: Play) -> None:
    play.call("ping", shape=None)


def adds(play: Play) -> None:
    ada = named(play, user_id="ada")
    if not play.client.is_legacy:
        play.call("add", said(BEES), shape=shapes.Added, infer=False, **ada)
        play.call(
            "add",
            said("I live in Lisbon."),
            shape=shapes.Added,
            metadata={"a_b": 1},
            customCategories=[{"home_town": "Where one lives"}],
            **ada,
        )
        play.call("add", said(PIANO), shape=shapes.Added, filters=ADA, infer=False)
        play.call("add", said(PIANO), shape=shapes.Pending, asyncMode=True, **ada)
        return
    queued = play.call("add", said(BEES), shape=list[shapes.Pending], infer=False, **ada)
    event = play.send("GET", f"/v1/event/{queued[0]['event_id']}/?wait=20")
    assert event["results"][0]["data"]["memory"] == BEES
    now = {"async_mode": False, "infer": False}
    play.call("add", said(PIANO), shape=list[shapes.LegacyChange], **ada, **now)
    play.call(
        "add",
        said("I live in Lisbon."),
        shape=shapes.LegacyAdded,
        output_format="v1.1",
        **ada,
        **now,
    )


def reads(play: Play) -> None:
    memory_id = remembered(play)
    memory = play.call("get", memory_id, shape=shapes.Memory)
    assert (memory["id"], memory["memory"], memory["user_id"]) == (memory_id, BEES, "ada")


def lists(play: Play) -> None:
    for text in (BEES, PIANO):
        remembered(play, text)
    paging = named(play, page=2, page_size=1)
    if not play.client.is_legacy:
        found = play.call("getAll", shape=shapes.Page, filters=ADA)
        assert [each["memory"] for each in found["results"]] == [PIANO, BEES]
        page = play.call("getAll", shape=shapes.Page, filters={"userId": "ada"}, **paging)
        assert [each["memory"] for each in page["results"]] == [BEES]
        return
    second = {"api_version": "v2", "filters": ADA}
    for asked in (ADA, second):
        found = play.call("getAll", shape=list[shapes.Listed], **asked)
        assert [each["memory"] for each in found] == [PIANO, BEES]
        page = play.call("getAll", shape=shapes.Page, **asked, **paging)
        assert [each["memory"] for each in page["results"]] == [BEES]


def searches(play: Play) -> None:
    for text in (BEES, PIANO):
        remembered(play, text)
    question = "Who plays the piano?"
    best = named(play, top_k=1)
    if not play.client.is_legacy:
        hits = play.call("search", question, shape=shapes.Hits, filters=ADA, **best)
        assert [each["memory"] for each in hits["results"]] == [PIANO]
        return
    for asked in (ADA, {"api_version": "v2", "filters": ADA}):
        found = play.call("search", question, shape=list[shapes.Found], **asked, **best)
        assert [each["memory"] for each in found] == [PIANO]
    play.call("search", question, shape=shapes.LegacyHits, output_format="v1.1", **ADA)


def updates(play: Play) -> None:
    memory_id = remembered(play)
    changed = play.call("update", memory_id, shape=shapes.Memory, text=PIANO, metadata={"b_c": 2})
    assert (changed["memory"], changed["metadata"]) == (PIANO, {"b_c": 2})
    play.call("update", memory_id, shape=shapes.Memory, timestamp=1_700_000_000)
    if not play.client.is_legacy:
        play.call("update", memory_id, shape=shapes.Memory, expirationDate="2999-12-31")
        cleared = play.call("update", memory_id, shape=shapes.Memory, expirationDate=None)
        assert cleared["expiration_date"] is None
    events = play.call("history", memory_id, shape=shapes.Histories)
    assert [each["event"] for each in events][:2] == ["ADD", "UPDATE"]


def deletes(play: Play) -> None:
    play.call("delete", remembered(play), shape=shapes.Message)
    if not play.client.is_legacy:
        play.call("delete", remembered(play), shape=shapes.Message, deleteLinked=True)
    remembered(play)
    for name in ("ada", "nobody", "*"):
        play.call("deleteAll", shape=shapes.Deleting, **named(play, user_id=name))
    assert play.send("GET", "/v1/entities/")["results"] == []


def changes_in_batches(play: Play) -> None:
    ids = [remembered(play), remembered(play, PIANO)]
    texts = [{"memoryId": each, "text": f"{each} is new"} for each in ids]
    changed = play.call("batchUpdate", texts, shape=shapes.Message)
    assert changed["message"] == "Successfully updated 2 memories"
    deleted = play.call("batchDelete", ids, shape=shapes.Message)
    assert deleted["message"] == "Successfully deleted 2 memories"


def forgets_entities(play: Play) -> None:
    names = {"user_id": "al ice", "agent_id": "bot", "app_id": "web", "run_id": "r1"}
    remembered(play, BEES, **names)
    page = play.call("users", shape=shapes.Entities)
    assert {each["name"] for each in page["results"]} == set(names.values())
    if not play.client.is_legacy:
        play.call("users", shape=shapes.Entities, page=2, pageSize=1)
    for kind, name in names.items():
        remembered(play, PIANO, **{kind: name})
        play.call("deleteUsers", shape=shapes.Message, **named(play, **{kind: name}))
    remembered(play, BEES, **names)
    play.call("deleteUsers", shape=shapes.Message)
    assert play.send("GET", "/v1/entities/")["results"] == []
    remembered(play, BEES, user_id="7")
    [seven] = play.call("users", shape=shapes.Entities)["results"]
    play.call("deleteUser", shape=shapes.Message, entity_id=seven["id"], entity_type="user")
    assert play.send("GET", "/v1/entities/")["results"] == []


def exports(play: Play) -> None:
    remembered(play)
    made = play.call("createMemoryExport", shape=side_shapes.Exporting, schema=SCHEMA, filters=ADA)
    asked = named(play, memory_export_id=made["id"])
    play.call("getMemoryExport", shape=shapes.Object, **asked)
    play.call("getMemoryExport", shape=shapes.Object, filters=ADA)


def gives_feedback(play: Play) -> None:
    memory_id = remembered(play)
    for feedback in ("POSITIVE", "VERY_NEGATIVE", None):
        given = named(play, memory_id=memory_id, feedback_reason="just so")
        play.call("feedback", shape=side_shapes.Feedback, feedback=feedback, **given)


def changes_the_project(play: Play) -> None:
    wishes = {
        "custom_instructions": "Remember what people eat.",
        "custom_categories": [{"home_town": "Where one lives"}],
    }
    play.call("updateProject", shape=side_shapes.ProjectUpdated, **named(play, **wishes))
    project = play.call("getProject", shape=side_shapes.Project, fields=["customInstructions"])
    assert {name: project[name] for name in wishes} == wishes


def manages_webhooks(play: Play) -> None:
    project = play.send("GET", "/v1/ping/")["project_id"]
    hook = play.call(
        "createWebhook",
        shape=side_shapes.Webhook,
        url=HOOK,
        name="hook",
        projectId=project,
        eventTypes=["memory_add"],
    )
    for asked in ({}, {"projectId": project}):
        hooks = play.call("getWebhooks", shape=side_shapes.Webhooks, **asked)
        assert [each["webhook_id"] for each in hooks] == [hook["webhook_id"]]
    play.call(
        "updateWebhook",
        shape=shapes.Message,
        webhookId=hook["webhook_id"],
        name="other",
        url=HOOK,
        eventTypes=["memory_delete"],
    )
    play.call("deleteWebhook", shape=shapes.Message, webhookId=hook["webhook_id"])


def is_given_a_host_with_a_slash(play: Play) -> None:
    play.begin(f"{play.service.address}/")
    reads(play)


SCENES: Final = (
    pings,
    adds,
    reads,
    lists,
    searches,
    updates,
    deletes,
    changes_in_batches,
    forgets_entities,
    exports,
    gives_feedback,
    changes_the_project,
    manages_webhooks,
    is_given_a_host_with_a_slash,
)
