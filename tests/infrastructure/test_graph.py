"""What the choice of a graph makes, and what each function may do with it."""

from typing import Any

import pytest

from recollect.bootstrap import Settings
from tests.infrastructure.templates import CHOICES, MAIN, NEPTUNE, Stack, template
from tests.infrastructure.test_permissions import CONTROL, READS, RECORD, actions, granted

NONE = Stack(MAIN)
RECORD_GRAPH = CHOICES["a graph in the record"]
OWN = CHOICES["a graph in a cluster"]
OWN_IN_VPC = CHOICES["everything"]
EXISTING_IN_VPC = CHOICES["a graph in a cluster that exists"]
NEPTUNES = {"own": OWN, "own, in a VPC": OWN_IN_VPC, "existing, in a VPC": EXISTING_IN_VPC}
every_neptune = pytest.mark.parametrize("choice", NEPTUNES.values(), ids=NEPTUNES.keys())

ASK = {"neptune-db:connect", "neptune-db:ReadDataViaQuery"}
CHANGE = {"neptune-db:DeleteDataViaQuery", "neptune-db:WriteDataViaQuery"}
ASKERS = {"GraphProjectorFunction", "McpFunction", "SearchFunction"}
"""Those that speak to Neptune."""


def _neptune(choice: dict[str, str]) -> Stack:
    """Return the cluster's stack as the service's own makes it."""
    properties: dict[str, Any] = Stack(MAIN, choice).resources["NeptuneStack"]["Properties"]
    given = {name: str(value) for name, value in properties["Parameters"].items()}
    return Stack(properties["TemplateURL"], given)


def _with(stack: Stack, prefix: str) -> set[str]:
    return {name for name in stack.functions if _of(stack, name, prefix)}


def _of(stack: Stack, function: str, prefix: str) -> set[str]:
    found = granted(function, dict(stack.parameters))
    return {action for action, _ in found if action.startswith(prefix)}


# Without a graph


def test_without_a_graph_there_is_nothing_of_one() -> None:
    names = set(NONE.resources) | set(NONE.outputs)
    told = {
        (name, value)
        for function in NONE.functions.values()
        for name, value in function["Environment"]["Variables"].items()
        if "GRAPH" in name or "NEPTUNE" in name
    }

    assert not [name for name in names if "Graph" in name or "Neptune" in name]
    assert not [name for name in names if "Gremlin" in name or "Vpc" in name]
    assert told == {("RECOLLECT_GRAPH", "none")}


def test_without_a_graph_nobody_may_do_more() -> None:
    graph = Stack(MAIN, RECORD_GRAPH)

    for name in NONE.functions:
        more = granted(name, RECORD_GRAPH) - granted(name, {})
        assert more <= {
            ("sqs:SendMessage", "${GraphQueue.Arn}"),
            ("sqs:SendMessage", "${GraphProjectionQueue.Arn}"),
        }
        assert not granted(name, {}) - granted(name, RECORD_GRAPH)
    assert graph.functions.keys() - NONE.functions.keys() == {
        "GraphProjectorFunction",
        "GraphWriterFunction",
    }


def test_a_graph_in_the_record_needs_no_neptune() -> None:
    stack = Stack(MAIN, RECORD_GRAPH)

    assert not [name for name in stack.resources if "Neptune" in name or "Gremlin" in name]
    assert not _with(stack, "neptune-db:")
    assert not [name for name in stack.functions if "VpcConfig" in stack.functions[name]]


# Queues and the record


@pytest.mark.parametrize(
    ("queue", "senders"),
    [
        ("GraphQueue", {"Add", "GraphWriter", "Maintenance", "Mcp", "Mutate", "Worker"}),
        ("GraphProjectionQueue", {"GraphWriter", "Maintenance", "Mcp", "Mutate", "Worker"}),
        ("GraphDeadLetters", {"GraphWriter"}),
        ("GraphProjectionDeadLetters", {"GraphProjector"}),
    ],
)
def test_only_who_has_news_sends_them(queue: str, senders: set[str]) -> None:
    arn = f"${{{queue}.Arn}}"

    assert {
        name.removesuffix("Function")
        for name in Stack(MAIN, RECORD_GRAPH).functions
        if "sqs:SendMessage" in actions(name, arn, RECORD_GRAPH)
    } == senders


@pytest.mark.parametrize(
    ("queue", "receiver"),
    [("GraphQueue", "GraphWriter"), ("GraphProjectionQueue", "GraphProjector")],
)
def test_only_the_function_behind_a_queue_receives(queue: str, receiver: str) -> None:
    arn = f"${{{queue}.Arn}}"

    assert {
        name.removesuffix("Function")
        for name in Stack(MAIN, RECORD_GRAPH).functions
        if "sqs:ReceiveMessage" in actions(name, arn, RECORD_GRAPH)
    } == {receiver}


def test_the_writer_commits_and_changes_no_key_and_no_object() -> None:
    found = granted("GraphWriterFunction", RECORD_GRAPH)

    assert actions("GraphWriterFunction", RECORD, RECORD_GRAPH) == {
        "dynamodb:BatchGetItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
    }
    assert not actions("GraphWriterFunction", CONTROL, RECORD_GRAPH)
    assert not [action for action, _ in found if action.startswith("s3:")]


def test_the_projector_of_the_graph_only_confirms_and_asks_no_model() -> None:
    found = granted("GraphProjectorFunction", OWN)

    assert actions("GraphProjectorFunction", RECORD, OWN) == (
        READS - {"dynamodb:GetItem"} | {"dynamodb:BatchWriteItem"}
    )
    assert not actions("GraphProjectorFunction", CONTROL, OWN)
    assert not [action for action, _ in found if action.startswith(("bedrock:", "s3:"))]


def test_who_resolves_entities_searches_the_index_and_the_projector_writes_it() -> None:
    search = ("es:ESHttpPost", "${Domain.Arn}/*_msearch")
    of_writer, of_projector = (
        {grant for grant in granted(name, RECORD_GRAPH) if grant[0].startswith("es:")}
        for name in ("GraphWriterFunction", "GraphProjectorFunction")
    )

    assert of_writer == {search}
    assert of_projector == {
        search,
        ("es:ESHttpPost", "${Domain.Arn}/_bulk"),
        ("es:ESHttpGet", "${Domain.Arn}/recollect-*"),
        ("es:ESHttpPut", "${Domain.Arn}/recollect-*"),
    }


def test_a_collections_own_policy_admits_the_graphs_functions_if_there_are_any() -> None:
    (policy,) = (
        Stack(MAIN, CHOICES["a graph and a collection"])
        .of_type("AWS::OpenSearchServerless::AccessPolicy")
        .values()
    )
    reads, writes, makes = policy["Policy"].split('"Principal": ')[1:]

    assert "${GraphWriterRole.Arn}" in reads
    assert "${GraphProjectorRole.Arn}" in reads
    assert "${GraphProjectorRole.Arn}" in writes
    assert "${GraphWriterRole.Arn}" not in writes
    assert "Graph" not in makes


# Neptune


@every_neptune
@pytest.mark.parametrize("function", ["McpFunction", "SearchFunction"])
def test_what_searches_asks_neptune_and_cannot_change_it(
    function: str, choice: dict[str, str]
) -> None:
    assert _of(Stack(MAIN, choice), function, "neptune-db:") == ASK


@every_neptune
def test_only_the_graphs_projector_changes_neptune(choice: dict[str, str]) -> None:
    stack = Stack(MAIN, choice)

    assert _with(stack, "neptune-db:") == ASKERS
    assert _of(stack, "GraphProjectorFunction", "neptune-db:") == ASK | CHANGE


@every_neptune
def test_it_is_this_cluster_that_they_reach(choice: dict[str, str]) -> None:
    cluster = choice.get("NeptuneResourceId", "${NeptuneStack.Outputs.ResourceId}")
    arn = f"arn:${{AWS::Partition}}:neptune-db:${{AWS::Region}}:${{AWS::AccountId}}:{cluster}/*"

    for name in ASKERS:
        assert {
            where for action, where in granted(name, choice) if action.startswith("neptune-db:")
        } == {arn}


@every_neptune
def test_functions_are_told_where_neptune_is(
    choice: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(MAIN, choice)
    url = choice.get("NeptuneUrl", "${NeptuneStack.Outputs.Url}")
    for name, value in stack.functions["SearchFunction"]["Environment"]["Variables"].items():
        monkeypatch.setenv(name, str(value))

    settings = Settings()

    assert (settings.graph, settings.neptune_auth) == ("neptune", "iam")
    assert settings.neptune_url == stack.outputs["NeptuneUrl"] == url


@pytest.mark.parametrize(
    ("engine", "layer"), [("1.4", "layers/gremlin37"), ("1.5", "layers/gremlin38")]
)
def test_the_engine_chooses_the_driver(engine: str, layer: str) -> None:
    stack = Stack(MAIN, OWN | {"NeptuneEngine": engine})
    with_driver = {
        name: [each for each in folders if "gremlin" in each]
        for name, function in stack.functions.items()
        if (folders := [_folder(stack, each) for each in function["Layers"]])
    }

    assert {name: found for name, found in with_driver.items() if found} == {
        name: [layer] for name in ASKERS
    }
    assert {each["ContentUri"] for each in stack.of_type("AWS::Serverless::LayerVersion").values()}
    assert not [each for each in Stack(MAIN, RECORD_GRAPH).resources if "Gremlin" in each]


def _folder(stack: Stack, layer: str) -> str:
    folder: str = stack.resources[layer.strip("${}")]["Properties"]["ContentUri"]
    return folder


@every_neptune
def test_only_who_asks_neptune_is_in_its_vpc_and_only_if_that_is_chosen(
    choice: dict[str, str],
) -> None:
    stack = Stack(MAIN, choice)
    inside = {name for name, function in stack.functions.items() if "VpcConfig" in function}

    assert inside == (ASKERS if choice.get("NeptuneNetwork") == "vpc" else set())
    assert _with(stack, "ec2:") == inside


@pytest.mark.parametrize(
    ("choice", "group"),
    [(OWN_IN_VPC, "${NeptuneStack.Outputs.SecurityGroup}"), (EXISTING_IN_VPC, "sg-0a1b2c3d")],
)
def test_functions_join_the_group_whose_members_may_connect(
    choice: dict[str, str], group: str
) -> None:
    for name in ASKERS:
        joined = Stack(MAIN, choice).functions[name]["VpcConfig"]
        assert joined["SecurityGroupIds"] == [group]
        assert joined["SubnetIds"] == {"Split": [",", choice["NeptuneSubnets"]]}


def test_a_functions_own_code_makes_no_network_interface() -> None:
    document = Stack(MAIN, OWN_IN_VPC).resources["JoinVpc"]["Properties"]["PolicyDocument"]
    (statement,) = document["Statement"]

    assert statement["Condition"] == {"Null": {"lambda:SourceFunctionArn": "true"}}


def test_a_cluster_that_exists_is_left_alone() -> None:
    assert "NeptuneStack" not in Stack(MAIN, EXISTING_IN_VPC).resources


# The cluster


@pytest.mark.parametrize("choice", [OWN, OWN_IN_VPC])
def test_a_cluster_takes_signed_requests_and_is_encrypted(choice: dict[str, str]) -> None:
    (cluster,) = _neptune(choice).of_type("AWS::Neptune::DBCluster").values()

    assert cluster["IamAuthEnabled"] is cluster["StorageEncrypted"] is True
    assert cluster.get("KmsKeyId") == choice.get("KmsKeyArn")
    assert cluster["EngineVersion"] == "1.4.7.1"
    assert "EnableCloudwatchLogsExports" not in cluster


def test_a_projection_goes_with_its_stack() -> None:
    for resource in _neptune(OWN).resources.values():
        assert resource.get("DeletionPolicy", "Delete") == "Delete"
    for kind in ("AWS::Neptune::DBCluster", "AWS::Neptune::DBInstance"):
        # Without it there would be a last snapshot.
        (found,) = (each for each in _neptune(OWN).resources.values() if each["Type"] == kind)
        assert found["DeletionPolicy"] == found["UpdateReplacePolicy"] == "Delete"


def test_a_public_cluster_is_open_to_signatures_and_another_one_to_members() -> None:
    public, private = _neptune(OWN), _neptune(OWN_IN_VPC)
    (open_door,) = public.of_type("AWS::EC2::SecurityGroupIngress").values()
    (door,) = private.of_type("AWS::EC2::SecurityGroupIngress").values()

    assert open_door["CidrIp"] == "0.0.0.0/0"
    assert "SourceSecurityGroupId" not in open_door
    assert door["SourceSecurityGroupId"] == door["GroupId"] == "${SecurityGroup.GroupId}"
    assert "CidrIp" not in door
    assert (door["FromPort"], door["ToPort"]) == (8182, 8182)
    for stack, is_public in ((public, True), (private, False)):
        (instance,) = stack.of_type("AWS::Neptune::DBInstance").values()
        assert instance["PubliclyAccessible"] is is_public


@pytest.mark.parametrize(("machine", "scales"), [("db.serverless", True), ("db.t4g.medium", False)])
def test_a_cluster_scales_if_its_machine_does(machine: str, scales: bool) -> None:  # noqa: FBT001
    stack = _neptune(OWN | {"NeptuneInstanceClass": machine, "NeptuneMaxCapacity": "8"})
    (cluster,) = stack.of_type("AWS::Neptune::DBCluster").values()
    (instance,) = stack.of_type("AWS::Neptune::DBInstance").values()

    capacity = {"MinCapacity": 1, "MaxCapacity": "8"} if scales else None
    assert cluster.get("ServerlessScalingConfiguration") == capacity
    assert instance["DBInstanceClass"] == machine


@pytest.mark.parametrize("choice", [OWN, OWN_IN_VPC])
def test_the_service_says_all_that_the_clusters_stack_asks(choice: dict[str, str]) -> None:
    stack = _neptune(choice)
    text = str(Stack(MAIN, choice).resources) + str(Stack(MAIN, choice).outputs)
    names = {part.split("}")[0] for part in text.split("${NeptuneStack.Outputs.")[1:]}

    assert set(template(NEPTUNE)["Parameters"]) == set(stack.parameters)
    assert names <= set(stack.outputs)
    assert not stack.dangling()
