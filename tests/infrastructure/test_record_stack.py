"""What stacks/record.yaml must say for memories to outlive mistakes."""

from typing import Any

import pytest

from tests.infrastructure.templates import CHOICES, KEY, MAIN, RECORD, Stack, template

STACK = Stack(RECORD)
TABLES = STACK.of_type("AWS::DynamoDB::Table")
BUCKET = STACK.resources["Bucket"]["Properties"]
DAYS_OF_A_JOB = 30
"""After which DynamoDB forgets a job, and nothing leads to its parts any more."""
every_table = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())


def test_deleting_the_service_deletes_no_memory() -> None:
    parent = template(MAIN)["Resources"]["RecordStack"]

    for resource in (parent, *STACK.resources.values()):
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


@every_table
def test_a_table_is_protected_and_can_be_restored(table: dict[str, Any]) -> None:
    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert "TableName" not in table, "a table with a name of its own cannot be replaced"


@every_table
def test_items_are_found_by_partition_and_sort_key(table: dict[str, Any]) -> None:
    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]


def test_one_index_holds_keys_alone() -> None:
    (index,) = TABLES["RecordTable"]["GlobalSecondaryIndexes"]

    assert index["IndexName"] == "wide"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["gpk", "gsk"]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert "GlobalSecondaryIndexes" not in TABLES["ControlTable"]


def test_the_bucket_is_private() -> None:
    assert all(BUCKET["PublicAccessBlockConfiguration"].values())
    assert BUCKET["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_the_bucket_answers_encrypted_connections_alone() -> None:
    policy = STACK.resources["BucketPolicy"]["Properties"]
    (statement,) = policy["PolicyDocument"]["Statement"]

    assert policy["Bucket"] == "${Bucket}"
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == (
        "Deny",
        "*",
        "s3:*",
    )
    assert statement["Resource"] == ["${Bucket.Arn}", "${Bucket.Arn}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_only_the_parts_of_forgotten_jobs_are_ever_deleted_by_age() -> None:
    rules = BUCKET["LifecycleConfiguration"]["Rules"]
    (expiring,) = (rule for rule in rules if any("Expiration" in name for name in rule))

    assert expiring["Prefix"] == "parts/"
    assert expiring["ExpirationInDays"] > DAYS_OF_A_JOB
    assert not [rule for rule in rules if any("Transition" in name for name in rule)]


def test_the_bucket_tells_of_what_is_put_below_projects_and_of_nothing_that_is_written_here() -> (
    None
):
    queue = "arn:aws:sqs:eu-west-1:123456789012:objects"
    told = Stack(RECORD, {"ObjectQueueArn": queue}).resources["Bucket"]["Properties"]
    [configuration] = told["NotificationConfiguration"]["QueueConfigurations"]

    assert (configuration["Event"], configuration["Queue"]) == ("s3:ObjectCreated:*", queue)
    assert configuration["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "projects/"}]
    assert "NotificationConfiguration" not in BUCKET


@pytest.mark.parametrize(
    ("choice", "queue"), [("as it comes", "${ObjectQueue.Arn}"), ("everything", "")]
)
def test_one_bucket_tells_of_objects(choice: str, queue: str) -> None:
    record = Stack(MAIN, CHOICES[choice]).resources["RecordStack"]["Properties"]

    assert record["Parameters"]["ObjectQueueArn"] == queue


def test_unfinished_uploads_are_given_up() -> None:
    rules = BUCKET["LifecycleConfiguration"]["Rules"]

    assert [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule]


def test_a_restored_table_takes_the_place_of_the_stacks_own() -> None:
    restored = Stack(RECORD, {"RestoredRecordTable": "recollect-restored"})

    assert restored.outputs["RecordTable"] == "recollect-restored"
    assert restored.outputs["RecordTableArn"].endswith(":table/recollect-restored")
    assert restored.outputs["ControlTable"] == STACK.outputs["ControlTable"] == "${ControlTable}"
    assert restored.resources.keys() == STACK.resources.keys()


def test_a_key_of_ones_own_encrypts_it_all() -> None:
    stack = Stack(RECORD, {"KmsKeyArn": KEY})
    (rule,) = stack.resources["Bucket"]["Properties"]["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]

    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == KEY
    for table in stack.of_type("AWS::DynamoDB::Table").values():
        assert table["SSESpecification"]["KMSMasterKeyId"] == KEY
    main = Stack(MAIN, CHOICES["everything"])
    assert main.resources["RecordStack"]["Properties"]["Parameters"]["KmsKeyArn"] == KEY


def test_what_the_service_reads_of_this_stack_is_there() -> None:
    text = str(Stack(MAIN).resources) + str(Stack(MAIN).outputs)
    names = {part.split("}")[0] for part in text.split("${RecordStack.Outputs.")[1:]}

    assert names == set(STACK.outputs)
    assert not STACK.dangling()
