"""What each function may do: what it needs, on the one resource that it needs it of."""

from collections.abc import Iterator
from typing import Any

import pytest

from recollect.adapters.aws.usage import USAGE_PARTITIONS
from tests.infrastructure.templates import CHOICES, KEY, MAIN, SECRET, Stack, listed

NEPTUNE = "arn:${AWS::Partition}:neptune-db:${AWS::Region}:${AWS::AccountId}:"
ALLOWED_WILDCARDS = {
    "${RecordStack.Outputs.BucketArn}/episodes/*": "objects are named when they are made",
    "${RecordStack.Outputs.BucketArn}/parts/*": "objects are named when they are made",
    "${RecordStack.Outputs.BucketArn}/projects/*": "objects are named by whoever puts them there",
    "${RecordStack.Outputs.BucketArn}/reports/*": "named after the objects that they are about",
    "arn:${AWS::Partition}:s3:::there/projects/*": "objects are named by whoever puts them there",
    "arn:${AWS::Partition}:s3:::there/reports/*": "named after the objects that they are about",
    "${Domain.Arn}/*_msearch": "the alias stands before it",
    "${Domain.Arn}/recollect-*": "indexes are named when they are made",
    "arn:${AWS::Partition}:bedrock:*::foundation-model/amazon.titan-embed-text-v2:0": "a profile's",
    "arn:${AWS::Partition}:bedrock:*::foundation-model/amazon.nova-2-lite-v1:0": "a profile's",
    "arn:${AWS::Partition}:es:${AWS::Region}:${AWS::AccountId}:domain/*/*": "a domain's own policy",
    f"{NEPTUNE}${{NeptuneStack.Outputs.ResourceId}}/*": "data has no name of its own",
    f"{NEPTUNE}cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ/*": "data has no name of its own",
    "*": "network interfaces have no names before they are made, and bedrock:Rerank takes none",
}
"""Every resource with a wildcard, and why it has one."""
READS = {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"}
WRITES = {
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
}
TAKES = {
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
}
RECORD = "${RecordStack.Outputs.RecordTableArn}"
WIDE = f"{RECORD}/index/wide"
CONTROL = "${RecordStack.Outputs.ControlTableArn}"
BUCKET = "${RecordStack.Outputs.BucketArn}"
EPISODES = f"{BUCKET}/episodes/*"
ERASED, TOUCHED = "E#*", "T#*"
"""Partitions of the control table: who was erased, and when memories were shown."""
ERASERS = {"McpFunction", "MutateFunction", "WorkerFunction"}
DOMAIN_THERE = "arn:${AWS::Partition}:es:${AWS::Region}:${AWS::AccountId}:domain/there"
EVERYTHING = CHOICES["everything"]
every_choice = pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES.keys())
ALL = CHOICES["every function"]
every_function = pytest.mark.parametrize("function", Stack(MAIN, ALL).functions)


def _documents(stack: Stack) -> Iterator[dict[str, Any]]:
    for kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
        for resource in stack.of_type(kind).values():
            yield resource["PolicyDocument"]
    for role in stack.of_type("AWS::IAM::Role").values():
        yield role["AssumeRolePolicyDocument"]
        yield from (policy["PolicyDocument"] for policy in role["Policies"])
    for domain in stack.of_type("AWS::OpenSearchService::Domain").values():
        yield domain["AccessPolicies"]


def _grants(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            for resource in listed(statement.get("Resource", "the role")):
                yield action, resource


def granted(function: str, choice: dict[str, str]) -> set[tuple[str, str]]:
    """Return every action that a function may take, with what on."""
    return set(_grants({"Statement": list(statements(Stack(MAIN, choice), function))}))


def statements(stack: Stack, function: str) -> Iterator[dict[str, Any]]:
    """Yield what the role of a function says."""
    name_of_role = stack.functions[function]["Role"].split(".")[0][2:]
    role = stack.resources[name_of_role]["Properties"]
    names = [name.strip("${}") for name in role["ManagedPolicyArns"] if name.startswith("${")]
    documents = [stack.resources[name]["Properties"]["PolicyDocument"] for name in names]
    documents += [policy["PolicyDocument"] for policy in role["Policies"]]
    documents += [
        policy["PolicyDocument"]
        for policy in stack.of_type("AWS::IAM::Policy").values()
        if f"${{{name_of_role}}}" in policy["Roles"]
    ]
    for document in documents:
        yield from document["Statement"]


def partitions_of(function: str, action: str) -> set[str]:
    """Return the partitions of the control table that a function may do something to."""
    stack = Stack(MAIN)
    return {
        partition
        for statement in statements(stack, function)
        if action in listed(statement["Action"]) and CONTROL in listed(statement["Resource"])
        for partition in statement.get("Condition", {}).get(
            "ForAllValues:StringLike", {"dynamodb:LeadingKeys": ["*"]}
        )["dynamodb:LeadingKeys"]
    }


def actions(function: str, resource: str, choice: dict[str, str] | None = None) -> set[str]:
    """Return what a function may do with one resource."""
    return {action for action, where in granted(function, choice or {}) if where == resource}


@every_choice
def test_no_permission_is_for_everything(choice: dict[str, str]) -> None:
    grants = {grant for document in _documents(Stack(MAIN, choice)) for grant in _grants(document)}
    resources = {resource.replace(DOMAIN_THERE, "${Domain.Arn}") for _, resource in grants}

    assert not [action for action, _ in grants if "*" in action]
    assert {resource for resource in resources if "*" in resource} <= ALLOWED_WILDCARDS.keys()


@every_choice
def test_no_function_takes_a_policy_of_aws_but_to_send_traces(choice: dict[str, str]) -> None:
    foreign = {
        arn
        for role in Stack(MAIN, choice).of_type("AWS::IAM::Role").values()
        for arn in role["ManagedPolicyArns"]
        if not arn.startswith("${")
    }

    tracing = "arn:${AWS::Partition}:iam::aws:policy/AWSXRayDaemonWriteAccess"
    assert foreign == ({tracing} if choice.get("Tracing") == "Active" else set())


def test_sam_adds_nothing_of_its_own() -> None:
    for function in Stack(MAIN, ALL).functions.values():
        assert "Role" in function
        assert "Policies" not in function


@every_choice
def test_every_policy_is_somebodys(choice: dict[str, str]) -> None:
    stack = Stack(MAIN, choice)
    roles = stack.of_type("AWS::IAM::Role").values()
    used = {name.strip("${}") for role in roles for name in role["ManagedPolicyArns"]}

    assert set(stack.of_type("AWS::IAM::ManagedPolicy")) <= used
    # AWS's quota for one role, unless it was raised.
    assert all(len(role["ManagedPolicyArns"]) <= 10 for role in roles)


@pytest.mark.parametrize("function", ["SearchFunction", "ReadFunction"])
def test_what_only_reads_cannot_write(function: str) -> None:
    assert actions(function, RECORD) == actions(function, WIDE) == READS
    # What it may write there is what keys use, and when memories were shown; nothing else.
    counts = {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"}
    touches = {"dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"}
    assert actions(function, CONTROL) == counts | (
        touches if function == "SearchFunction" else set()
    )
    assert actions(function, EPISODES) == {"s3:GetObject"}
    assert not [action for action, _ in granted(function, {}) if action.startswith("sqs:")]


@pytest.mark.parametrize(
    "function", ["AddFunction", "MaintenanceFunction", "MutateFunction", "WorkerFunction"]
)
def test_what_changes_memories_may_change_them_in_one_transaction(function: str) -> None:
    assert actions(function, RECORD) == READS | WRITES | {"dynamodb:ConditionCheckItem"}
    assert actions(function, WIDE) == {"dynamodb:Query"}
    assert actions(function, EPISODES) >= {"s3:GetObject", "s3:PutObject"}


@every_function
def test_what_reads_objects_and_nothing_else_is_told_that_one_is_missing(function: str) -> None:
    reads = "s3:GetObject" in {action for action, _ in granted(function, ALL)}

    assert actions(function, BUCKET, ALL) == ({"s3:ListBucket"} if reads else set())


@every_function
def test_who_reads_objects_is_told_of_missing_ones_where_it_reads(function: str) -> None:
    stack = Stack(MAIN, ALL)
    reads = {where for action, where in granted(function, ALL) if action == "s3:GetObject"}
    listings = [
        prefix
        for statement in statements(stack, function)
        if "s3:ListBucket" in listed(statement["Action"])
        for prefix in statement["Condition"]["StringLike"]["s3:prefix"]
    ]

    assert {f"{BUCKET}/{prefix}" for prefix in listings} == reads


def test_only_what_deletes_for_a_caller_or_for_good_removes_objects() -> None:
    removers = {
        (name, where)
        for name in Stack(MAIN).functions
        for action, where in granted(name, {})
        if action == "s3:DeleteObject"
    }

    # Maintenance removes episodes that expire; the others erase subjects, jobs and all, and an add
    # that is refused for an erasure removes what it has put there.
    assert removers == {
        ("MaintenanceFunction", EPISODES),
        *(
            (name, where)
            for name in (*ERASERS, "AddFunction")
            for where in (EPISODES, f"{BUCKET}/parts/*")
        ),
    }


def test_whoever_may_bring_a_subject_back_knows_that_it_was_erased() -> None:
    adders = {"AddFunction", "McpFunction", "WorkerFunction"}

    for name in adders:
        assert ERASED in partitions_of(name, "dynamodb:BatchGetItem")
    for name in ERASERS:
        assert partitions_of(name, "dynamodb:PutItem") & {ERASED, "*"}
        assert TOUCHED in partitions_of(name, "dynamodb:BatchWriteItem")
    marks = {
        name for name in Stack(MAIN).functions if ERASED in partitions_of(name, "dynamodb:PutItem")
    }
    assert marks == ERASERS - {"MutateFunction"}


def test_the_projector_only_confirms() -> None:
    assert actions("ProjectorFunction", RECORD) == {
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    }
    assert actions("ProjectorFunction", CONTROL) == {"dynamodb:GetItem", "dynamodb:PutItem"}


def test_only_mutate_and_admin_make_keys_and_the_worker_revokes_them() -> None:
    makers = {
        name
        for name in Stack(MAIN).functions
        for partitions in partitions_of(name, "dynamodb:PutItem")
        if partitions in {"*", "K#*", "P#*"}
    }

    # The worker finishes the deletion of projects, which ends with their keys.
    assert makers == {"AdminFunction", "MutateFunction", "WorkerFunction"}
    assert not actions("AdminFunction", RECORD)


@pytest.mark.parametrize("function", ["Add", "Mutate", "Read", "Search", "Worker"])
def test_what_answers_requests_or_uses_tokens_counts_them(function: str) -> None:
    assert "dynamodb:UpdateItem" in actions(f"{function}Function", CONTROL)


def test_what_counts_can_update_nothing_else() -> None:
    (statement,) = Stack(MAIN).resources["CountUsage"]["Properties"]["PolicyDocument"]["Statement"]

    assert statement["Action"] == "dynamodb:UpdateItem"
    assert statement["Condition"] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{USAGE_PARTITIONS}*"]}
    }


def test_what_tells_webhooks_has_a_part_of_the_control_table_without_keys() -> None:
    webhooks, deliveries, due = "W#*", "D#*", "Q#*"

    for function in ("NotifierFunction", "ProjectorFunction"):
        assert partitions_of(function, "dynamodb:GetItem") == {webhooks, deliveries}
    assert partitions_of("ProjectorFunction", "dynamodb:PutItem") == {deliveries, due}
    assert partitions_of("NotifierFunction", "dynamodb:PutItem") == {webhooks, deliveries, due}
    assert partitions_of("NotifierFunction", "dynamodb:DeleteItem") == {deliveries, due}
    assert actions("NotifierFunction", RECORD) == {"dynamodb:BatchGetItem", "dynamodb:Query"}


def test_who_knows_of_deliveries_wakes_the_notifier_and_it_alone_receives() -> None:
    done = {
        action: {
            name for name in Stack(MAIN).functions if action in actions(name, "${WebhookQueue.Arn}")
        }
        for action in ("sqs:SendMessage", "sqs:ReceiveMessage")
    }

    assert done["sqs:SendMessage"] == {
        "MaintenanceFunction",
        "NotifierFunction",
        "ProjectorFunction",
    }
    assert done["sqs:ReceiveMessage"] == {"NotifierFunction"}


def test_only_what_changes_memories_may_wake_the_projector() -> None:
    senders = {
        name
        for name in Stack(MAIN).functions
        if "sqs:SendMessage" in actions(name, "${IndexQueue.Arn}")
    }

    changers = {"AddFunction", "MaintenanceFunction", "McpFunction", "MutateFunction"}
    assert senders == changers | {"WorkerFunction"}


def test_who_accepts_or_leaves_jobs_wakes_the_worker() -> None:
    senders = {
        name
        for name in Stack(MAIN, ALL).functions
        if "sqs:SendMessage" in actions(name, "${WorkerQueue.Arn}", ALL)
    }

    assert senders == {
        "AddFunction",
        "IngestMessagesFunction",
        "IngestObjectsFunction",
        "MaintenanceFunction",
        "McpFunction",
        "MutateFunction",
        "WorkerFunction",
    }


BEHIND = {
    "Index": "ProjectorFunction",
    "Ingest": "IngestMessagesFunction",
    "Object": "IngestObjectsFunction",
    "Worker": "WorkerFunction",
}
"""Queues, and the function behind each."""


@pytest.mark.parametrize(("queue", "function"), BEHIND.items())
def test_only_the_function_behind_a_queue_receives_and_buries(queue: str, function: str) -> None:
    for name in Stack(MAIN, ALL).functions:
        received = actions(name, f"${{{queue}Queue.Arn}}", ALL) - {"sqs:SendMessage"}
        if (queue, name) == ("Worker", "MaintenanceFunction"):
            # It asks how many jobs wait.
            received -= {"sqs:GetQueueAttributes"}
        buried = actions(name, f"${{{queue}DeadLetters.Arn}}", ALL)

        assert received == (TAKES if name == function else set())
        assert buried == ({"sqs:SendMessage"} if name == function else set())


# Ingestion


@pytest.mark.parametrize("function", ["IngestMessagesFunction", "IngestObjectsFunction"])
def test_what_accepts_jobs_stores_them_and_touches_no_memory(function: str) -> None:
    found = granted(function, ALL)
    prefixes = ("dynamodb:", "logs:", "s3:", "sqs:")

    assert actions(function, RECORD, ALL) == {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    }
    assert actions(function, CONTROL, ALL) == {"dynamodb:GetItem", "dynamodb:Query"}
    assert {where for action, where in found if action.endswith("etObject")} == {
        f"{BUCKET}/parts/*"
    }
    assert not [action for action, _ in found if not action.startswith(prefixes)]


@pytest.mark.parametrize(
    ("choice", "bucket"), [(ALL, BUCKET), (EVERYTHING, "arn:${AWS::Partition}:s3:::there")]
)
def test_the_worker_alone_reads_what_is_ingested_and_writes_reports_elsewhere(
    choice: dict[str, str], bucket: str
) -> None:
    reads = {"s3:GetObject", "s3:GetObjectVersion"}

    for name in Stack(MAIN, choice).functions:
        is_worker = name == "WorkerFunction"
        assert actions(name, f"{bucket}/projects/*", choice) == (reads if is_worker else set())
        assert actions(name, f"{bucket}/reports/*", choice) == (
            {"s3:PutObject"} if is_worker else set()
        )


def test_the_worker_may_what_those_may_whose_work_it_finishes() -> None:
    worker = granted("WorkerFunction", ALL)

    for name in ("AddFunction", "MutateFunction"):
        others = granted(name, ALL) - worker
        # It makes no keys, and has a log of its own.
        assert {action.partition(":")[0] for action, _ in others} <= {"dynamodb", "logs"}
        assert {where for action, where in others if action.startswith("dynamodb:")} <= {CONTROL}


def test_maintenance_asks_no_model() -> None:
    found = granted("MaintenanceFunction", CHOICES["other models"]) | granted(
        "MaintenanceFunction", {}
    )

    assert not [each for each, _ in found if each.startswith(("bedrock:", "secretsmanager:"))]
    assert actions("MaintenanceFunction", CONTROL) == {"dynamodb:GetItem", "dynamodb:Query"}


@pytest.mark.parametrize(
    "function",
    ["AddFunction", "MaintenanceFunction", "McpFunction", "SearchFunction", "WorkerFunction"],
)
def test_what_searches_can_do_nothing_else_to_the_index(function: str) -> None:
    found = {grant for grant in granted(function, {}) if grant[0].startswith("es:")}

    assert found == {("es:ESHttpPost", "${Domain.Arn}/*_msearch")}


def test_the_projector_writes_documents_and_makes_a_missing_index() -> None:
    found = {grant for grant in granted("ProjectorFunction", {}) if grant[0].startswith("es:")}
    makes = {
        ("es:ESHttpGet", "${Domain.Arn}/recollect-*"),
        ("es:ESHttpPut", "${Domain.Arn}/recollect-*"),
    }

    assert found == makes | {("es:ESHttpPost", "${Domain.Arn}/_bulk")}
    assert makes == {grant for grant in granted("AdminFunction", {}) if grant[0].startswith("es:")}


@every_choice
def test_no_function_drops_an_index(choice: dict[str, str]) -> None:
    for function in Stack(MAIN, choice).functions:
        assert "es:ESHttpDelete" not in {action for action, _ in granted(function, choice)}


@pytest.mark.parametrize(
    ("choice", "arn"),
    [
        ("a collection", "${Collection.Arn}"),
        (
            "a collection that exists",
            "arn:${AWS::Partition}:aoss:${AWS::Region}:${AWS::AccountId}:collection/there",
        ),
    ],
)
def test_a_collection_is_reached_by_its_own_permission(choice: str, arn: str) -> None:
    for name in ("SearchFunction", "ProjectorFunction", "AdminFunction"):
        assert actions(name, arn, CHOICES[choice]) == {"aoss:APIAccessAll"}
        assert not [each for each in granted(name, CHOICES[choice]) if each[0].startswith("es:")]


def test_a_collections_own_policy_names_who_uses_it() -> None:
    (policy,) = (
        Stack(MAIN, CHOICES["a collection"])
        .of_type("AWS::OpenSearchServerless::AccessPolicy")
        .values()
    )

    for function in ("Add", "Admin", "Maintenance", "Projector", "Search", "Worker"):
        assert f"${{{function}Role.Arn}}" in policy["Policy"]
    for function in ("IngestObjects", "Mutate", "Read"):
        assert f"${{{function}Role.Arn}}" not in policy["Policy"]


def test_models_are_invoked_by_name_in_this_region_or_through_their_profile() -> None:
    bedrock = "arn:${AWS::Partition}:bedrock:"
    embeds, asks = "amazon.titan-embed-text-v2:0", "amazon.nova-2-lite-v1:0"
    profile = "${AWS::Region}:${AWS::AccountId}:inference-profile/global."

    found = {
        where for action, where in granted("AddFunction", {}) if action == "bedrock:InvokeModel"
    }

    assert found == {
        f"{bedrock}${{AWS::Region}}::foundation-model/{embeds}",
        f"{bedrock}*::foundation-model/{asks}",
        f"{bedrock}{profile}{asks}",
    }


@pytest.mark.parametrize("choice", ["other models", "no models"])
def test_bedrock_is_out_of_reach_when_it_is_not_used(choice: str) -> None:
    chosen = CHOICES[choice] | ALL
    for function in Stack(MAIN, chosen).functions:
        found = granted(function, chosen)
        assert not [action for action, _ in found if action.startswith("bedrock:")]


def test_what_searches_reranks_with_the_one_model_if_there_is_one() -> None:
    model = "arn:${AWS::Partition}:bedrock:${AWS::Region}::foundation-model/cohere.rerank-v3-5:0"
    functions = Stack(MAIN, EVERYTHING).functions

    reranking = {name for name in functions if "bedrock:Rerank" in actions(name, "*", EVERYTHING)}

    assert reranking == {"McpFunction", "SearchFunction"}
    assert all(actions(name, model, EVERYTHING) == {"bedrock:InvokeModel"} for name in reranking)
    assert {name for name in functions if actions(name, model, EVERYTHING)} == reranking
    assert not [each for each in granted("SearchFunction", {}) if each[0] == "bedrock:Rerank"]


def test_a_secret_is_read_by_what_asks_models_alone() -> None:
    choice = CHOICES["other models"] | ALL
    readers = {name for name in Stack(MAIN, choice).functions if actions(name, SECRET, choice)}

    assert readers == {
        "AddFunction",
        "GraphWriterFunction",
        "McpFunction",
        "MutateFunction",
        "ReadFunction",
        "SearchFunction",
        "WorkerFunction",
    }


@pytest.mark.parametrize("function", ["MutateFunction", "ReadFunction", "WorkerFunction"])
def test_what_exports_and_sums_up_asks_the_chat_model(function: str) -> None:
    asked = {where for action, where in granted(function, {}) if action == "bedrock:InvokeModel"}

    assert any(where.endswith("amazon.nova-2-lite-v1:0") for where in asked)


@every_function
def test_the_key_is_used_by_all_and_managed_by_none(function: str) -> None:
    assert actions(function, KEY, EVERYTHING) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert not [each for each in granted(function, ALL) if each[0].startswith("kms:")]


@every_function
def test_a_function_writes_no_log_but_its_own(function: str) -> None:
    logs = {grant for grant in granted(function, ALL) if grant[0].startswith("logs:")}
    own = function.replace("Function", "Logs")

    assert logs == {
        ("logs:CreateLogStream", f"${{{own}.Arn}}"),
        ("logs:PutLogEvents", f"${{{own}.Arn}}"),
    }


def test_nothing_but_iam_leads_to_admin() -> None:
    assert "Events" not in Stack(MAIN).functions["AdminFunction"]
    assert not Stack(MAIN).of_type("AWS::Lambda::Permission")
