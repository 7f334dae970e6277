"""Every method of mem0's Python clients: of 1.x, which speaks v1 and v2, and of 2.x."""

from typing import Any, Final

from tests.conformance import shapes, side_shapes
from tests.conformance.outcomes import Play

BEES: Final = "Ada keeps bees on her roof in Lisbon"
PIANO: Final = "Ada plays the piano every morning"
HOOK: Final = "https://example.com/hook"
SCHEMA: Final = {
    "title": "Person",
    "type": "object",
    "properties": {"hobby": {"type": "string", "description": "What the person does for fun"}},
}
ADA: Final = {"user_id": "ada"}


def remembered(play: Play, text: str = BEES, **ids: str) -> str:
    """Return the id of a memory that is made without the client."""
    body = {"messages": text, "infer": False, **(ids or ADA)}
    return str(play.send("POST", "/v3/memories/add/", body)["results"][0]["id"])


def adds(play: Play) -> None:
    if play.client.is_legacy:
        queued = play.call("add", BEES, shape=shapes.LegacyPending, user_id="ada", infer=False)
        event = play.send("GET", f"/v1/event/{queued['results'][0]['event_id']}/?wait=20")
        assert event["results"][0]["data"]["memory"] == BEES
        now = {"async_mode": False, "infer": False, "user_id": "ada"}
        play.call("add", {"role": "user", "content": PIANO}, shape=shapes.LegacyAdded, **now)
        play.call(
            "add",
            [{"role": "user", "content": "I live in Lisbon."}],
            shape=shapes.LegacyAdded,
            user_id="grace",
            async_mode=False,
        )
        return
    play.call("add", BEES, shape=shapes.Added, user_id="ada", infer=False)
    play.call(
        "add", {"role": "user", "content": PIANO}, shape=shapes.Added, filters=ADA, infer=False
    )
    talk = [{"role": "user", "content": "I live in Lisbon."}]
    play.call("add", talk, shape=shapes.Added, user_id="grace", metadata={"a": 1})
    typed = {"$type": "AddMemoryOptions", "filters": {"user_id": "joan"}, "infer": False}
    play.call("add", BEES, shape=shapes.Added, options=typed)
    play.call("add", talk, shape=shapes.Pending, user_id="mary", async_mode=True)


def reads(play: Play) -> None:
    memory_id = remembered(play)
    memory = play.call("get", memory_id, shape=shapes.Memory)
    assert (memory["id"], memory["memory"], memory["user_id"]) == (memory_id, BEES, "ada")


def lists(play: Play) -> None:
    for text in (BEES, PIANO):
        remembered(play, text)
    shape = shapes.Results if play.client.is_legacy else shapes.Page
    found = play.call("get_all", shape=shape, filters=ADA)
    assert [each["memory"] for each in found["results"]] == [PIANO, BEES]
    page = play.call("get_all", shape=shapes.Page, filters=ADA, page=2, page_size=1)
    assert [each["memory"] for each in page["results"]] == [BEES]
    assert page["count"] == 2
    if play.client.is_legacy:
        play.call("get_all", shape=shapes.Results, **ADA)


def searches(play: Play) -> None:
    for text in (BEES, PIANO):
        remembered(play, text)
    conditions: dict[str, Any] = {"AND": [ADA, {"created_at": {"gte": "2020-01-01"}}]}
    shape = shapes.LegacyHits if play.client.is_legacy else shapes.Hits
    for filters in (ADA, conditions):
        hits = play.call("search", "Who plays the piano?", shape=shape, filters=filters, top_k=1)
        assert [each["memory"] for each in hits["results"]] == [PIANO]
    if play.client.is_legacy:
        play.call("search", "piano", shape=shape, user_id="ada", enable_graph=True)


def updates(play: Play) -> None:
    memory_id = remembered(play)
    changed = play.call("update", memory_id, shape=shapes.Memory, text=PIANO, metadata={"b": 2})
    assert (changed["memory"], changed["metadata"]) == (PIANO, {"b": 2})
    dated = play.call("update", memory_id, shape=shapes.Memory, timestamp=1_700_000_000)
    assert dated["memory"] == PIANO
    if not play.client.is_legacy:
        play.call("update", memory_id, shape=shapes.Memory, expiration_date="2999-12-31")
        cleared = play.call("update", memory_id, shape=shapes.Memory, expiration_date=None)
        assert cleared["expiration_date"] is None
    events = play.call("history", memory_id, shape=shapes.Histories)
    assert [each["event"] for each in events][:2] == ["ADD", "UPDATE"]


def deletes(play: Play) -> None:
    play.call("delete", remembered(play), shape=shapes.Message)
    if not play.client.is_legacy:
        play.call("delete", remembered(play, PIANO), shape=shapes.Message, delete_linked=True)
    remembered(play)
    play.call("delete_all", shape=shapes.Deleting, **ADA)
    play.call("delete_all", shape=shapes.Deleting, user_id="*", run_id="r1")
    play.call("delete_all", shape=shapes.Deleting, user_id="nobody")
    if not play.client.is_legacy:
        remembered(play)
        play.call("delete_all", shape=shapes.Deleting, filters=ADA)
    assert play.send("GET", "/v1/entities/")["results"] == []


def changes_in_batches(play: Play) -> None:
    ids = [remembered(play), remembered(play, PIANO)]
    texts = [{"memory_id": each, "text": f"{each} is new"} for each in ids]
    said = play.call("batch_update", texts, shape=shapes.Message)
    assert said["message"] == "Successfully updated 2 memories"
    assert play.send("GET", f"/v1/memories/{ids[0]}/")["memory"] == f"{ids[0]} is new"
    said = play.call("batch_delete", [{"memory_id": each} for each in ids], shape=shapes.Message)
    assert said["message"] == "Successfully deleted 2 memories"


def forgets_entities(play: Play) -> None:
    names = {"user_id": "al ice/x", "agent_id": "bot", "app_id": "web", "run_id": "r1"}
    remembered(play, BEES, **names)
    page = play.call("users", shape=shapes.Entities)
    assert {each["name"] for each in page["results"]} == set(names.values())
    assert [page[f"total_{kind}s"] for kind in ("user", "agent", "app", "run")] == [1, 1, 1, 1]
    for kind, name in names.items():
        remembered(play, PIANO, **{kind: name})
        play.call("delete_users", shape=shapes.Message, **{kind: name})
    assert play.send("GET", "/v1/entities/")["results"] == []
    for act in ("delete_users", "reset"):
        remembered(play, BEES, **names)
        play.call(act, shape=shapes.Message)
        assert play.send("GET", "/v1/entities/")["results"] == []


def follows_events(play: Play) -> None:
    get = "client.get" if play.client.flavour == "sync" else "async_client.get"
    remembered(play)
    page = play.call(get, "/v1/events/", shape=shapes.Events)
    event = play.call(get, f"/v1/event/{page['results'][0]['id']}/", shape=shapes.Event)
    assert (event["event_type"], event["status"]) == ("ADD", "SUCCEEDED")


def exports(play: Play) -> None:
    remembered(play)
    made = play.call("create_memory_export", SCHEMA, shape=side_shapes.Exporting, filters=ADA)
    play.call("get_memory_export", shape=shapes.Object, memory_export_id=made["id"])
    play.call("get_memory_export", shape=shapes.Object, filters=ADA)
    play.call("get_summary", shape=side_shapes.Summaries, filters=ADA)


def gives_feedback(play: Play) -> None:
    memory_id = remembered(play)
    for feedback in ("POSITIVE", "very_negative", None):
        play.call(
            "feedback",
            memory_id,
            shape=side_shapes.Feedback,
            feedback=feedback,
            feedback_reason="just so",
        )


def changes_the_project(play: Play) -> None:
    wishes: dict[str, Any] = {
        "custom_instructions": "Remember what people eat.",
        "custom_categories": [{"food": "What people eat"}],
    }
    for get, update in (("project.get", "project.update"), ("get_project", "update_project")):
        play.call(update, shape=side_shapes.ProjectUpdated, **wishes)
        project = play.call(get, shape=side_shapes.Project)
        assert {name: project[name] for name in wishes} == wishes
        play.call(
            get, shape=side_shapes.Project, fields=["custom_instructions", "custom_categories"]
        )
        play.call(
            update, shape=side_shapes.ProjectUpdated, custom_instructions="", multilingual=True
        )
    newer = {"decay": False, "agent_custom_instructions": "Remember what you promised."}
    older = {"enable_graph": False, "retrieval_criteria": []}
    more: dict[str, Any] = older if play.client.is_legacy else newer
    play.call("project.update", shape=side_shapes.ProjectUpdated, **more)


def manages_members(play: Play) -> None:
    email = "grace@example.com"
    play.call("project.add_member", shape=shapes.Message, email=email, role="READER")
    members = play.call("project.get_members", shape=side_shapes.Members)["members"]
    assert ("READER", email) in [(each["role"], each["email"]) for each in members]
    play.call("project.update_member", shape=shapes.Message, email=email, role="OWNER")
    play.call("project.remove_member", shape=shapes.Message, email=email)
    play.call("project.create", shape=side_shapes.ProjectCreated, name="another", description="new")
    play.call("project.delete", shape=shapes.Message)


def manages_webhooks(play: Play) -> None:
    project = play.send("GET", "/v1/ping/")["project_id"]
    hook = play.call(
        "create_webhook",
        shape=side_shapes.Webhook,
        url=HOOK,
        name="hook",
        project_id=project,
        event_types=["memory_add"],
    )
    hooks = play.call("get_webhooks", shape=side_shapes.Webhooks, project_id=project)
    assert [each["webhook_id"] for each in hooks] == [hook["webhook_id"]]
    play.call(
        "update_webhook",
        hook["webhook_id"],
        shape=shapes.Message,
        name="other",
        url=HOOK,
        event_types=["memory_add", "memory_delete"],
    )
    play.call("delete_webhook", hook["webhook_id"], shape=shapes.Message)


def chats(play: Play) -> None:
    play.call("chat", shape=Any)


def asks_for_profiles(play: Play) -> None:
    if play.client.is_legacy:
        return
    play.call("get_profile", "al ice/x", shape=side_shapes.Profile)
    job = play.call("generate_profile", "ada", shape=side_shapes.ProfileJob, idempotency_key="once")
    play.call("sample_profiles", shape=side_shapes.ProfileJob, limit=2)
    for where in ("status_url", "job_id"):
        play.call("get_profile_job", job[where], shape=side_shapes.ProfileJobState)
    play.call("get_profile_settings", shape=side_shapes.ProfileSettings)
    play.call(
        "update_profile_settings", shape=side_shapes.ProfileSettings, enabled=False, schema=None
    )


def is_given_a_host_with_a_slash(play: Play) -> None:
    play.begin(f"{play.service.address}/")
    reads(play)


SCENES: Final = (
    adds,
    reads,
    lists,
    searches,
    updates,
    deletes,
    changes_in_batches,
    forgets_entities,
    follows_events,
    exports,
    gives_feedback,
    changes_the_project,
    manages_members,
    manages_webhooks,
    chats,
    asks_for_profiles,
    is_given_a_host_with_a_slash,
)
