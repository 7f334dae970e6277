"""What the filter language promises: which memories a filter matches, and what it refuses."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.domain.errors import InvalidRequestError
from recollect.domain.filters import (
    EVERYTHING,
    Unexpired,
    Within,
    both,
    created_between,
    in_scope,
    is_scoped,
    parse_filter,
    subject_is,
)
from recollect.domain.filters.values import MAX_DEPTH, MAX_VALUES
from recollect.domain.memory import Json, Memory, MemoryKind
from recollect.domain.subjects import Scope, Subject, SubjectKind

NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)
ADA = Subject(SubjectKind.USER, "ada")
BOB = Subject(SubjectKind.USER, "bob")
HELPER = Subject(SubjectKind.AGENT, "helper")
SHOP = Subject(SubjectKind.APP, "shop")
TRIP = Subject(SubjectKind.RUN, "trip")
TIME_FIELDS = ("created_at", "updated_at", "timestamp")
UNKNOWN_KEY = (
    "Top-level key must be a logical operator or an allowed field: ['AND', 'OR', 'NOT', "
    "'user_id', 'agent_id', 'app_id', 'run_id', 'created_at', 'updated_at', 'timestamp', "
    "'expiration_date', 'text', 'categories', 'metadata', 'keywords_search', 'memory_ids', "
    "'keywords', 'actor_id', 'role', 'kind']"
)


def a_scope(**names: str) -> Scope:
    return Scope.of("acme", {SubjectKind(kind): name for kind, name in names.items()})


def a_memory(scope: Scope | None = None, **changes: Any) -> Memory:  # noqa: ANN401 (fields of many types)
    memory = Memory(
        id="m1",
        scope=scope or a_scope(user="ada"),
        text="Ada likes Pizza in Straße 5",
        created_at=NOON,
        updated_at=NOON,
        recorded_at=NOON + timedelta(days=400),
        episode_id="e1",
    )
    return replace(memory, **changes)


def matches(raw: object, memory: Memory) -> bool:
    return parse_filter(raw).matches(memory)


@pytest.mark.parametrize("kind", list(SubjectKind))
@pytest.mark.parametrize(
    ("condition", "is_match"),
    [
        ("ada", True),
        ("bob", False),
        ("Ada", False),
        ("*", True),
        (" ada ", True),
        ({"eq": "ada"}, True),
        ({"eq": "bob"}, False),
        ({"eq": "*"}, True),
        ({"ne": "ada"}, False),
        ({"ne": "bob"}, True),
        ({"ne": "*"}, False),
        ({"in": ["bob", "ada"]}, True),
        ({"in": ["bob"]}, False),
        ({"in": []}, False),
        ({"ne": "bob", "in": ["ada"]}, True),
        ({"ne": "ada", "in": ["ada"]}, False),
    ],
)
def test_a_subject_is_compared_by_its_name(
    kind: SubjectKind, condition: Json, *, is_match: bool
) -> None:
    memory = a_memory(a_scope(**{kind: "ada"}))

    assert matches({f"{kind}_id": condition}, memory) is is_match


@pytest.mark.parametrize(
    ("condition", "is_match"),
    [("ada", False), ("*", False), ({"ne": "ada"}, True), ({"ne": "*"}, True)],
)
def test_only_ne_matches_a_memory_without_such_a_subject(
    condition: Json, *, is_match: bool
) -> None:
    assert matches({"user_id": condition}, a_memory(a_scope(agent="ada"))) is is_match


def test_a_name_is_normalised_as_it_is_stored() -> None:
    memory = a_memory(a_scope(user="Zo\u00eb"))

    assert matches({"user_id": "Zoe\u0308"}, memory)


@pytest.mark.parametrize("kind", list(SubjectKind))
def test_subject_fields_may_be_written_in_camel_case(kind: SubjectKind) -> None:
    assert parse_filter({f"{kind}Id": "ada"}) == subject_is(Subject(kind, "ada"))


def test_two_spellings_of_one_field_both_count() -> None:
    assert not matches({"user_id": "ada", "userId": "bob"}, a_memory())


@pytest.mark.parametrize("field", TIME_FIELDS)
@pytest.mark.parametrize(
    ("condition", "is_match"),
    [
        ("*", True),
        ("2024-07-01T12:00:00Z", True),
        ("2024-07-01 12:00", True),
        ("2024-07-01T14:00:00+02:00", True),
        ("2024-07-01T12:00:00.000001", False),
        (1719835200, True),
        (1719835200.0, True),
        (1719835201, False),
        ("2024-07-01", True),
        ("2024-06-30", False),
        ({"ne": "2024-07-01T12:00:00Z"}, False),
        ({"ne": "2024-07-01"}, False),
        ({"ne": "2024-07-02"}, True),
        ({"in": ["2024-01-01", 1719835200]}, True),
        ({"in": ["2024-01-01", "2024-07-01"]}, True),
        ({"in": ["2024-01-01"]}, False),
        ({"in": []}, False),
        ({"gt": "2024-07-01T12:00:00Z"}, False),
        ({"gt": "2024-07-01T11:59:59.999999Z"}, True),
        ({"gte": "2024-07-01T12:00:00Z"}, True),
        ({"gte": "2024-07-01T12:00:00.000001Z"}, False),
        ({"lt": "2024-07-01T12:00:00Z"}, False),
        ({"lt": "2024-07-01T12:00:00.000001Z"}, True),
        ({"lte": "2024-07-01T12:00:00Z"}, True),
        ({"lte": "2024-07-01T11:59:59.999999Z"}, False),
        ({"gte": "2024-07-01", "lte": "2024-07-01"}, True),
        ({"gte": "2024-07-02"}, False),
        ({"lte": "2024-06-30"}, False),
        ({"gt": "2024-06-30"}, True),
        ({"gt": "2024-07-01"}, False),
        ({"lt": "2024-07-02"}, True),
        ({"lt": "2024-07-01"}, False),
        ({"gte": "0001-01-01", "lte": "9999-12-31"}, True),
        ({"gt": "9999-12-31"}, False),
        ({"lt": "0001-01-01"}, False),
    ],
)
def test_times_are_compared_as_instants_or_whole_days(
    field: str, condition: Json, *, is_match: bool
) -> None:
    assert matches({field: condition}, a_memory()) is is_match


@pytest.mark.parametrize(
    ("field", "year"), [("created_at", 2020), ("timestamp", 2020), ("updated_at", 2022)]
)
def test_a_time_field_looks_at_its_own_time(field: str, year: int) -> None:
    memory = a_memory(
        created_at=NOON.replace(year=2020), updated_at=NOON.replace(year=2022), recorded_at=NOON
    )

    assert matches({field: NOON.replace(year=year).isoformat()}, memory)


@pytest.mark.parametrize(
    ("at", "is_match"),
    [
        (datetime(2024, 6, 30, 23, 59, 59, 999999, UTC), False),
        (datetime(2024, 7, 1, tzinfo=UTC), True),
        (datetime(2024, 7, 1, 23, 59, 59, 999999, UTC), True),
        (datetime(2024, 7, 2, tzinfo=UTC), False),
        (datetime(2024, 7, 2, 1, tzinfo=timezone(timedelta(hours=2))), True),
    ],
)
def test_a_bare_date_is_the_whole_day_in_utc(at: datetime, *, is_match: bool) -> None:
    memory = a_memory(created_at=at)

    assert matches({"created_at": "2024-07-01"}, memory) is is_match
    assert matches({"created_at": {"ne": "2024-07-01"}}, memory) is not is_match
    assert matches({"created_at": {"gte": "2024-07-01", "lte": "2024-07-01"}}, memory) is is_match
    assert matches({"created_at": {"gt": "2024-06-30", "lt": "2024-07-02"}}, memory) is is_match


@pytest.mark.parametrize(
    ("condition", "is_match", "matches_null"),
    [
        ("*", True, False),
        ("2024-07-01", True, False),
        ("2024-07-02", False, False),
        ("2024-07-01T12:00:00Z", True, False),
        ("2024-07-01T23:00:00-02:00", False, False),
        (1719835200, True, False),
        ({"ne": "2024-07-01"}, False, True),
        ({"ne": "2024-07-02"}, True, True),
        ({"in": ["2024-07-01"]}, True, False),
        ({"in": []}, False, False),
        ({"gt": "2024-07-01"}, False, False),
        ({"gt": "2024-06-30T23:59:59Z"}, True, False),
        ({"gte": "2024-07-01T23:00:00Z"}, True, False),
        ({"gte": "2024-07-02"}, False, False),
        ({"lt": "2024-07-01T23:00:00Z"}, False, False),
        ({"lt": "2024-07-02"}, True, False),
        ({"lte": "2024-07-01"}, True, False),
        ({"lte": "2024-06-30"}, False, False),
    ],
)
def test_expiration_dates_are_compared_as_dates(
    condition: Json, *, is_match: bool, matches_null: bool
) -> None:
    raw = {"expiration_date": condition}

    assert matches(raw, a_memory(expires_on=date(2024, 7, 1))) is is_match
    assert matches(raw, a_memory(expires_on=None)) is matches_null


@pytest.mark.parametrize("field", [*TIME_FIELDS, "expiration_date"])
@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        [],
        "",
        "yesterday",
        "20240701",
        "1719835200",
        "17111120000",
        "2024-W27-1",
        "2024-02-30",
        "2024-07-01T25:00",
        "2024-07-01Tnoon",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2024-07-01T12:00:00+99:99",
        10**400,
        -(10**400),
        1719835200000,
        -62135596801,
        1e308,
    ],
)
def test_what_is_not_a_time_is_refused(field: str, value: Json) -> None:
    expected = f"{field} must be an ISO 8601 date, a date and time, or Unix seconds"

    for condition in (value, {"gte": value}, {"ne": value}, {"in": [value]}):
        with pytest.raises(InvalidRequestError) as refusal:
            parse_filter({field: condition})
        assert str(refusal.value) == expected


@pytest.mark.parametrize(
    ("raw", "is_match"),
    [
        ({"keywords": "pizza"}, True),
        ({"keywords": "STRASSE"}, True),
        ({"keywords": "pasta"}, False),
        ({"keywords": "*"}, True),
        ({"keywords": {"contains": "Pizza"}}, True),
        ({"keywords": {"contains": "pizza"}}, False),
        ({"keywords": {"contains": "*"}}, False),
        ({"keywords": {"icontains": "pIZZa"}}, True),
        ({"keywords": {"icontains": "pasta"}}, False),
        ({"keywords": {"contains": "Ada", "icontains": "pasta"}}, False),
        ({"keywords_search": "pizza"}, True),
        ({"keywords_search": "pasta"}, False),
        ({"keywords_search": "*"}, True),
        ({"text": "Ada likes Pizza in Straße 5"}, True),
        ({"text": " Ada likes Pizza in Straße 5\n"}, True),
        ({"text": "ada likes pizza in straße 5"}, False),
        ({"text": "Pizza"}, False),
        ({"text": "*"}, True),
        ({"text": {"eq": "Ada likes Pizza in Straße 5"}}, True),
        ({"text": {"eq": "*"}}, False),
        ({"text": {"contains": "Pizza"}}, True),
        ({"text": {"contains": "pizza"}}, False),
        ({"text": {"icontains": "pizza"}}, True),
        ({"categories": "food"}, True),
        ({"categories": "Food"}, False),
        ({"categories": ["food", "music"]}, True),
        ({"categories": ["music"]}, False),
        ({"categories": []}, False),
        ({"categories": "*"}, True),
        ({"categories": {"in": ["music", "food"]}}, True),
        ({"categories": {"in": ["fo"]}}, False),
        ({"categories": {"in": []}}, False),
        ({"categories": {"contains": "FOO"}}, True),
        ({"categories": {"contains": "personal details"}}, True),
        ({"categories": {"contains": "foodpersonal"}}, False),
        ({"categories": {"contains": "food", "in": ["music"]}}, False),
        ({"memory_ids": ["m0", "m1"]}, True),
        ({"memory_ids": ["m0"]}, False),
        ({"memory_ids": []}, False),
        ({"memory_ids": {"in": ["m1"]}}, True),
        ({"memory_ids": {"in": ["m"]}}, False),
        ({"memory_ids": {"in": []}}, False),
        ({"memory_ids": "*"}, True),
    ],
)
def test_texts_categories_and_ids(raw: Json, *, is_match: bool) -> None:
    assert matches(raw, a_memory(categories=("food", "Personal Details"))) is is_match


@pytest.mark.parametrize(
    ("field", "attribute", "own", "other"),
    [
        ("actor_id", "actor", "ada", "bob"),
        ("role", "role", "user", "assistant"),
        ("kind", "kind", MemoryKind.EPISODIC, "semantic"),
    ],
)
def test_who_said_it_and_the_kind_are_compared_as_they_are_stored(
    field: str, attribute: str, own: str, other: str
) -> None:
    changes: dict[str, Any] = {attribute: own}
    memory = a_memory(**changes)
    fitting: list[Json] = [own, "*", {"eq": own}, {"eq": "*"}, {"ne": other}, {"in": [other, own]}]
    wrong: list[Json] = [other, {"eq": other}, {"ne": own}, {"ne": "*"}, {"in": [other]}]

    assert all(matches({field: condition}, memory) for condition in fitting)
    assert not any(matches({field: condition}, memory) for condition in wrong)
    assert not matches({field: {"in": []}}, memory)
    assert not matches({field: {"ne": other, "eq": other}}, memory)


@pytest.mark.parametrize("field", ["actor_id", "role"])
@pytest.mark.parametrize("missing", [None, ""])
def test_only_ne_matches_a_memory_that_nobody_is_known_to_have_said(
    field: str, missing: str | None
) -> None:
    memory = a_memory(actor=missing, role=missing)

    for condition in ("ada", "*", {"in": ["ada"]}, {"eq": "*"}):
        assert not matches({field: condition}, memory)
    for condition in ({"ne": "ada"}, {"ne": "*"}):
        assert matches({field: condition}, memory)


def test_actors_and_roles_are_not_taken_for_each_other_or_another_spelling() -> None:
    memory = a_memory(actor="user", role="assistant")

    assert not matches({"role": "user"}, memory)
    assert not matches({"actor_id": "assistant"}, memory)
    assert not matches({"actor_id": "User"}, memory)


@pytest.mark.parametrize("key", ["kind", "memory_type"])
@pytest.mark.parametrize("kind", list(MemoryKind))
def test_a_kind_is_written_as_it_is_or_as_an_add_writes_it(key: str, kind: MemoryKind) -> None:
    memory = a_memory(kind=kind)

    for name in (kind, f"{kind}_memory"):
        assert matches({key: name}, memory)
        assert matches({key: {"in": [name]}}, memory)
        assert not matches({key: {"ne": name}}, memory)
    assert all(matches({key: other}, memory) is (other == kind) for other in MemoryKind)


@pytest.mark.parametrize("key", ["kind", "memory_type"])
@pytest.mark.parametrize("kind", ["fact", "Semantic", "_memory", "semantic_memory_memory", " "])
def test_an_unknown_kind_is_refused(key: str, kind: str) -> None:
    for condition in (kind, {"eq": kind}, {"ne": kind}, {"in": ["semantic", kind]}):
        with pytest.raises(InvalidRequestError, match=r"^kind "):
            parse_filter({key: condition})


@pytest.mark.parametrize("condition", ["*", "food", {"in": ["food"]}, {"contains": "food"}])
def test_a_memory_without_categories_matches_none(condition: Json) -> None:
    assert not matches({"categories": condition}, a_memory())


STORED: Mapping[str, Json] = {
    "city": "Paris",
    "rooms": 3,
    "share": 0.5,
    "paid": True,
    "gone": None,
    "tags": ("a", 1, True, [2]),
    "where": {"lat": 1, "names": ["x"]},
    "star": "*",
    "huge": 10**400,
}


@pytest.mark.parametrize(
    ("condition", "is_match"),
    [
        ({"city": "Paris"}, True),
        ({"city": "paris"}, False),
        ({"city": {"eq": "Paris"}}, True),
        ({"city": {"ne": "Paris"}}, False),
        ({"city": {"ne": "Rome"}}, True),
        ({"city": {"contains": "ari"}}, True),
        ({"city": {"contains": "ARI"}}, False),
        ({"city": {"contains": 1}}, False),
        ({"city": {"contains": "P", "ne": "Paris"}}, False),
        ({"city": "Paris", "rooms": 3}, True),
        ({"city": "Paris", "rooms": 4}, False),
        ({"rooms": 3.0}, True),
        ({"rooms": "3"}, False),
        ({"rooms": {"contains": 3}}, False),
        ({"share": 0.5}, True),
        ({"paid": True}, True),
        ({"paid": 1}, False),
        ({"paid": {"ne": 1}}, True),
        ({"gone": None}, True),
        ({"gone": "*"}, False),
        ({"absent": None}, False),
        ({"absent": "*"}, False),
        ({"absent": {"ne": "x"}}, True),
        ({"absent": {"contains": "x"}}, False),
        ({"city": "*"}, True),
        ({"city": {"eq": "*"}}, False),
        ({"star": {"eq": "*"}}, True),
        ({"tags": ["a", 1, True, [2]]}, True),
        ({"tags": ["a", 1.0, True, [2]]}, True),
        ({"tags": ["a", True, True, [2]]}, False),
        ({"tags": ["a", 1]}, False),
        ({"tags": "a"}, False),
        ({"city": ["Paris"]}, False),
        ({"tags": {"contains": "a"}}, True),
        ({"tags": {"contains": True}}, True),
        ({"tags": {"contains": [2.0]}}, True),
        ({"tags": {"contains": 2}}, False),
        ({"where": {"eq": {"names": ["x"], "lat": 1.0}}}, True),
        ({"where": {"eq": {"names": ["x"], "lat": True}}}, False),
        ({"where": {"eq": {"lat": 1}}}, False),
        ({"city": {"eq": {}}}, False),
        ({"where": {"contains": "lat"}}, False),
        ({"huge": 10**400}, True),
        ({"huge": 0.5}, False),
        ("*", True),
    ],
)
def test_metadata_is_compared_as_json(condition: Json, *, is_match: bool) -> None:
    assert matches({"metadata": condition}, a_memory(metadata=STORED)) is is_match


def test_one_does_not_count_as_true_in_stored_lists() -> None:
    memory = a_memory(metadata={"tags": [1]})

    assert not matches({"metadata": {"tags": {"contains": True}}}, memory)


def test_empty_metadata_is_not_set() -> None:
    assert not matches({"metadata": "*"}, a_memory())


@pytest.mark.parametrize(
    ("raw", "is_match"),
    [
        ({"user_id": "ada", "memory_ids": ["m1"]}, True),
        ({"user_id": "ada", "memory_ids": ["m2"]}, False),
        ({"AND": [{"user_id": "ada"}, {"memory_ids": ["m1"]}]}, True),
        ({"AND": [{"user_id": "ada"}, {"memory_ids": ["m2"]}]}, False),
        ({"AND": [{"user_id": "ada", "memory_ids": ["m2"]}, {}]}, False),
        ({"OR": [{"user_id": "bob"}, {"memory_ids": ["m1"]}]}, True),
        ({"OR": [{"user_id": "bob"}, {"memory_ids": ["m2"]}]}, False),
        ({"OR": [{"user_id": "ada", "memory_ids": ["m2"]}]}, False),
        ({"NOT": {"user_id": "bob"}}, True),
        ({"NOT": {"user_id": "ada"}}, False),
        ({"NOT": {"user_id": "ada", "memory_ids": ["m2"]}}, True),
        ({"NOT": [{"user_id": "bob"}, {"memory_ids": ["m2"]}]}, True),
        ({"NOT": [{"user_id": "bob"}, {"memory_ids": ["m1"]}]}, False),
        ({"NOT": {"NOT": {"user_id": "ada"}}}, True),
        ({"AND": [{"user_id": "ada"}], "OR": [{"memory_ids": ["m2"]}]}, False),
        ({"AND": [{"user_id": "ada"}], "OR": [{"memory_ids": ["m1"]}]}, True),
        ({"AND": []}, True),
        ({"OR": []}, False),
        ({"NOT": []}, True),
        ({"NOT": {}}, False),
    ],
)
def test_conditions_combine_as_logic_says(raw: Json, *, is_match: bool) -> None:
    assert matches(raw, a_memory()) is is_match


@pytest.mark.parametrize("raw", [None, {}, {"AND": []}, {"AND": [{}, {"AND": [{}]}]}])
def test_a_filter_without_conditions_is_everything(raw: Json) -> None:
    assert parse_filter(raw) == EVERYTHING


@pytest.mark.parametrize(
    "raw",
    [
        {"session_id": "s"},
        {"metadata.trip": "x"},
        {"and": [{"user_id": "ada"}]},
        {"or": []},
        {"not": {}},
        {"$and": []},
        {"": 1},
        {"AND": [{"user_id": "ada"}, {"OR": [{"score": 1}]}]},
        {"NOT": {"hash": "x"}},
    ],
)
def test_an_unknown_key_is_refused_in_the_documented_words(raw: Json) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        parse_filter(raw)

    assert str(refusal.value) == UNKNOWN_KEY


FIELD_OPERATORS = {
    **{f"{kind}_id": ["eq", "ne", "in"] for kind in SubjectKind},
    **{field: ["gt", "gte", "lt", "lte", "ne", "in"] for field in TIME_FIELDS},
    "expiration_date": ["gt", "gte", "lt", "lte", "ne", "in"],
    "text": ["eq", "contains", "icontains"],
    "categories": ["in", "contains"],
    "keywords": ["contains", "icontains"],
    "keywords_search": [],
    "memory_ids": ["in"],
    "metadata": ["eq", "ne", "contains"],
    **{field: ["eq", "ne", "in"] for field in ("actor_id", "role", "kind")},
}
OPERATORS = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "contains", "icontains", "IN", "=")


@pytest.mark.parametrize(
    ("field", "operator"),
    [
        pair
        for pair in product(FIELD_OPERATORS, OPERATORS)
        if pair[1] not in FIELD_OPERATORS[pair[0]]
    ],
)
def test_a_wrong_operator_is_named_with_its_field_and_the_allowed_ones(
    field: str, operator: str
) -> None:
    condition = {operator: "2024-07-01"}
    allowed = ", ".join(FIELD_OPERATORS[field]) or "a bare value"

    with pytest.raises(InvalidRequestError) as refusal:
        parse_filter({field: {"key": condition} if field == "metadata" else condition})

    expected = f"{field} does not support the operator '{operator}'; allowed: {allowed}"
    assert str(refusal.value) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ([], "A filter, and each clause in AND, OR and NOT, must be an object"),
        ("user_id", "A filter, and each clause in AND, OR and NOT, must be an object"),
        (0, "A filter, and each clause in AND, OR and NOT, must be an object"),
        ({"AND": [None]}, "A filter, and each clause in AND, OR and NOT, must be an object"),
        ({"NOT": None}, "A filter, and each clause in AND, OR and NOT, must be an object"),
        ({"AND": {"user_id": "ada"}}, "AND must be a list"),
        ({"OR": None}, "OR must be a list"),
        ({"user_id": None}, "user_id must be a string"),
        ({"user_id": 7}, "user_id must be a string"),
        ({"user_id": ["ada"]}, "user_id must be a string"),
        ({"user_id": ""}, "user_id must not be empty"),
        ({"run_id": {"in": [7]}}, "run_id must be a string"),
        ({"run_id": {"in": ["*"]}}, 'run_id must not be "*"'),
        ({"run_id": {"in": "trip"}}, "in of run_id must be a list"),
        ({"run_id": {}}, "run_id must not be an empty object; allowed: eq, ne, in"),
        ({"created_at": {"in": "2024-07-01"}}, "in of created_at must be a list"),
        ({"keywords": " "}, "keywords takes texts that are not empty"),
        ({"keywords": {"contains": ""}}, "keywords takes texts that are not empty"),
        ({"keywords_search": 1}, "keywords_search takes texts that are not empty"),
        ({"text": None}, "text takes texts that are not empty"),
        ({"categories": [1]}, "categories takes texts that are not empty"),
        ({"categories": None}, "categories takes texts that are not empty"),
        ({"categories": {"in": "food"}}, "in of categories must be a list"),
        ({"categories": {"contains": ["food"]}}, "categories takes texts that are not empty"),
        ({"memory_ids": "m1"}, "memory_ids must be a list"),
        ({"memory_ids": [1]}, "memory_ids takes texts that are not empty"),
        ({"metadata": {}}, "metadata must be an object with at least one key"),
        ({"metadata": "key"}, "metadata must be an object with at least one key"),
        (
            {"metadata": {"a": {}}},
            "metadata must not be an empty object; allowed: eq, ne, contains",
        ),
        ({"metadata": None}, "metadata must be an object with at least one key"),
        ({"actor_id": 7}, "actor_id takes texts that are not empty"),
        ({"actor_id": " "}, "actor_id takes texts that are not empty"),
        ({"actor_id": ["ada"]}, "actor_id takes texts that are not empty"),
        ({"role": {"in": "user"}}, "in of role must be a list"),
        ({"role": {"in": [None]}}, "role takes texts that are not empty"),
        ({"role": {}}, "role must not be an empty object; allowed: eq, ne, in"),
        ({"kind": None}, "kind takes texts that are not empty"),
        (
            {"memory_type": "fact"},
            "kind must be one of semantic, episodic, procedural, each with or without _memory",
        ),
    ],
)
def test_a_wrong_value_is_explained(raw: Json, expected: str) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        parse_filter(raw)

    assert str(refusal.value) == expected


def test_an_error_repeats_only_the_start_of_a_long_operator() -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        parse_filter({"user_id": {"x" * 10_000: "ada"}})

    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "\ud800", "a\udfff", {1}, b"x", NOON, ("a",), 1j]
)
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(InvalidRequestError, match="must be JSON"):
        parse_filter({"metadata": {"key": value}})
    with pytest.raises(InvalidRequestError, match="must be JSON"):
        parse_filter({"metadata": {"key": {"contains": [value]}}})


@pytest.mark.parametrize("key", [1, None, NOON, "\ud800"])
def test_a_key_that_is_not_json_is_refused(key: object) -> None:
    with pytest.raises(InvalidRequestError, match="must be JSON"):
        parse_filter({"user_id": {key: "ada"}})


def nested(levels: int) -> Json:
    raw: Json = {"user_id": "bob"}
    for _ in range(levels - 1):
        raw = {"NOT": raw}
    return raw


def test_the_deepest_filter_is_still_decided() -> None:
    assert matches(nested(MAX_DEPTH), a_memory())


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 100_000])
def test_a_deeper_filter_is_refused(levels: int) -> None:
    with pytest.raises(InvalidRequestError, match="at most 40 levels"):
        parse_filter(nested(levels))


def test_a_deeply_nested_metadata_value_is_refused() -> None:
    value: Json = "x"
    for _ in range(100_000):
        value = [value]

    with pytest.raises(InvalidRequestError, match="at most 40 levels"):
        parse_filter({"metadata": {"key": value}})


def test_stored_metadata_may_be_nested_deeper_than_a_filter() -> None:
    value: Json = "x"
    for _ in range(100_000):
        value = [value]

    assert not matches({"metadata": {"key": [["x"]]}}, a_memory(metadata={"key": value}))


def test_the_largest_filter_is_still_decided() -> None:
    ids = [f"x{number}" for number in range(MAX_VALUES - 1)]

    assert matches({"user_id": "ada", "NOT": {"memory_ids": ids}}, a_memory())


@pytest.mark.parametrize(
    "raw",
    [
        {"memory_ids": ["m"] * (MAX_VALUES + 1)},
        {"OR": [{"user_id": "ada"}] * (MAX_VALUES + 1)},
        {"OR": [{"NOT": {}}] * (MAX_VALUES + 1)},
        {"metadata": {str(number): 1 for number in range(MAX_VALUES + 1)}},
    ],
)
def test_a_larger_filter_is_refused(raw: Json) -> None:
    with pytest.raises(InvalidRequestError, match="at most 1000 values"):
        parse_filter(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({}, None),
        ({"user_id": "ada"}, {ADA}),
        ({"user_id": {"eq": "ada"}}, {ADA}),
        ({"user_id": {"in": ["ada", "bob"]}}, {ADA, BOB}),
        ({"user_id": "*"}, None),
        ({"user_id": {"ne": "ada"}}, None),
        ({"metadata": {"a": 1}}, None),
        ({"NOT": {"user_id": "ada"}}, None),
        ({"NOT": {"NOT": {"user_id": "ada"}}}, None),
        ({"user_id": "ada", "metadata": {"a": 1}}, {ADA}),
        ({"AND": [{"NOT": {"user_id": "bob"}}, {"user_id": "ada"}]}, {ADA}),
        ({"app_id": "shop", "agent_id": "helper", "user_id": "ada", "run_id": "trip"}, {TRIP}),
        ({"app_id": "shop", "agent_id": "helper", "user_id": "ada"}, {ADA}),
        ({"app_id": "shop", "agent_id": "helper"}, {HELPER}),
        ({"app_id": "shop", "user_id": {"in": ["ada", "bob"]}}, {SHOP}),
        ({"OR": [{"user_id": "ada"}, {"run_id": "trip"}]}, {ADA, TRIP}),
        ({"OR": [{"user_id": "ada"}, {"user_id": "*"}]}, None),
        ({"OR": [{"user_id": "ada"}, {}]}, None),
        ({"OR": [{"user_id": "ada", "app_id": "shop"}, {"agent_id": "helper"}]}, {ADA, HELPER}),
        ({"OR": []}, set()),
        ({"user_id": {"in": []}}, set()),
        ({"memory_ids": []}, set()),
        ({"memory_ids": {"in": []}}, set()),
        ({"categories": {"in": []}}, set()),
        ({"actor_id": {"in": []}}, set()),
        ({"actor_id": "ada"}, None),
        ({"created_at": {"in": []}}, set()),
        ({"user_id": "ada", "agent_id": {"in": []}}, set()),
        ({"OR": [{"user_id": "ada"}, {"memory_ids": []}]}, {ADA}),
    ],
)
def test_named_subjects_are_the_fewest_and_narrowest_that_are_known(
    raw: Json, expected: set[Subject] | None
) -> None:
    assert parse_filter(raw).named_subjects() == expected


@pytest.mark.parametrize("kind", list(SubjectKind))
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("ada", True),
        ("*", True),
        ({"eq": "ada"}, True),
        ({"in": ["ada", "bob"]}, True),
        ({"in": []}, True),
        ({"ne": "ada"}, False),
        ({"ne": "*"}, False),
        ({"ne": "ada", "in": ["bob"]}, True),
    ],
)
def test_a_positive_subject_condition_scopes(
    kind: SubjectKind, condition: Json, *, expected: bool
) -> None:
    assert is_scoped(parse_filter({f"{kind}_id": condition})) is expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({}, False),
        ({"metadata": {"a": 1}}, False),
        ({"memory_ids": ["m1"]}, False),
        ({"actor_id": "ada"}, False),
        ({"NOT": {"user_id": "ada"}}, False),
        ({"NOT": {"NOT": {"user_id": "ada"}}}, False),
        ({"metadata": {"a": 1}, "user_id": "ada"}, True),
        ({"AND": [{"NOT": {"user_id": "bob"}}, {"user_id": "ada"}]}, True),
        ({"OR": [{"user_id": "ada"}, {"run_id": "*"}]}, True),
        ({"OR": [{"user_id": "ada"}, {"metadata": {"a": 1}}]}, False),
        ({"OR": [{"user_id": "ada"}, {}]}, False),
        ({"OR": [{"user_id": "ada"}, {"NOT": {"run_id": "trip"}}]}, False),
        ({"OR": [{"AND": [{"user_id": "ada"}, {"keywords": "x"}]}, {"app_id": "shop"}]}, True),
        ({"OR": []}, False),
    ],
)
def test_every_match_must_be_scoped(raw: Json, *, expected: bool) -> None:
    assert is_scoped(parse_filter(raw)) is expected


def test_in_scope_wants_exactly_these_subjects() -> None:
    scope = a_scope(user="ada", agent="helper")
    condition = in_scope(scope)

    assert condition.matches(a_memory(scope))
    assert not condition.matches(a_memory(a_scope(user="ada")))
    assert not condition.matches(a_memory(a_scope(user="ada", agent="helper", run="trip")))
    assert is_scoped(condition)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"user": "ada", "agent": "helper", "app": "shop", "run": "trip"}, TRIP),
        ({"user": "ada", "agent": "helper", "app": "shop"}, ADA),
        ({"agent": "helper", "app": "shop"}, HELPER),
        ({"app": "shop"}, SHOP),
    ],
)
def test_in_scope_names_its_narrowest_subject(names: dict[str, str], expected: Subject) -> None:
    assert in_scope(a_scope(**names)).named_subjects() == frozenset({expected})


def test_both_drops_what_does_not_narrow() -> None:
    condition = subject_is(ADA)

    assert both(EVERYTHING, condition) == condition
    assert both(condition, EVERYTHING) == condition
    assert both(EVERYTHING, EVERYTHING) == EVERYTHING


def test_both_needs_both() -> None:
    condition = both(subject_is(ADA), Unexpired(NOON))

    assert condition.matches(a_memory())
    assert not condition.matches(a_memory(a_scope(user="bob")))
    assert not condition.matches(a_memory(expires_on=date(2024, 6, 30)))
    assert condition.named_subjects() == frozenset({ADA})
    assert is_scoped(condition)


@pytest.mark.parametrize(
    ("expires_on", "is_match"),
    [(None, True), (date(2024, 7, 1), True), (date(2024, 6, 30), False)],
)
def test_unexpired_includes_the_last_day(expires_on: date | None, *, is_match: bool) -> None:
    assert Unexpired(NOON).matches(a_memory(expires_on=expires_on)) is is_match


@pytest.mark.parametrize(
    ("start", "end", "is_match"),
    [
        (NOON, NOON, True),
        (NOON, None, True),
        (None, NOON, True),
        (NOON + timedelta(microseconds=1), None, False),
        (None, NOON - timedelta(microseconds=1), False),
    ],
)
def test_created_between_includes_both_ends(
    start: datetime | None, end: datetime | None, *, is_match: bool
) -> None:
    assert created_between(start, end).matches(a_memory(updated_at=NOON.min)) is is_match


def test_created_between_open_ends_is_everything() -> None:
    assert created_between(None, None) == EVERYTHING


NAMES = st.sampled_from(["ada", "bob", "cy"])
KINDS = st.sampled_from(list(SubjectKind))
WORDS = st.sampled_from(["pizza", "Pizza", "rain", "x"])
DAYS = st.sampled_from(["2024-06-30", "2024-07-01", "2024-07-02T06:00:00+02:00", 1719835200])
SCALARS = st.none() | st.booleans() | st.sampled_from([0, 1, 1.0, "1", "a", "*"])

SUBJECT_CONDITIONS = st.builds(
    lambda kind, condition: {f"{kind}_id": condition},
    KINDS,
    NAMES
    | st.just("*")
    | st.builds(lambda name: {"ne": name}, NAMES)
    | st.builds(lambda names: {"in": names}, st.lists(NAMES, max_size=3)),
)
TIME_CONDITIONS = st.builds(
    lambda field, operator, day: {field: {operator: day}},
    st.sampled_from([*TIME_FIELDS, "expiration_date"]),
    st.sampled_from(["gt", "gte", "lt", "lte", "ne"]),
    DAYS,
)
OTHER_CONDITIONS = st.one_of(
    st.builds(lambda word: {"keywords": {"contains": word}}, WORDS),
    st.builds(lambda word: {"categories": {"contains": word}}, WORDS),
    st.builds(lambda words: {"categories": {"in": words}}, st.lists(WORDS, max_size=2)),
    st.builds(lambda value: {"metadata": {"a": value}}, SCALARS),
    st.builds(lambda value: {"metadata": {"a": {"ne": value}}}, SCALARS),
    st.builds(lambda name: {"actor_id": name}, NAMES | st.just("*")),
    st.builds(lambda kind: {"kind": {"ne": kind}}, st.sampled_from(list(MemoryKind))),
)
FILTERS = st.recursive(
    SUBJECT_CONDITIONS | TIME_CONDITIONS | OTHER_CONDITIONS,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"AND": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda parts: {"OR": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda part: {"NOT": part}, inner | st.lists(inner, max_size=3)),
        st.builds(lambda first, second: {**first, **second}, inner, inner),
    ),
    max_leaves=8,
)
MEMORIES = st.builds(
    a_memory,
    st.dictionaries(KINDS.map(str), NAMES, min_size=1).map(lambda names: a_scope(**names)),
    text=WORDS,
    categories=st.lists(WORDS, max_size=2).map(tuple),
    metadata=st.dictionaries(st.just("a"), SCALARS),
    created_at=st.sampled_from([NOON, NOON - timedelta(days=1)]),
    expires_on=st.none() | st.sampled_from([date(2024, 6, 30), date(2024, 7, 1)]),
    actor=st.none() | NAMES,
    kind=st.sampled_from(list(MemoryKind)),
)


@given(FILTERS, FILTERS, MEMORIES)
def test_and_narrows_or_widens_not_complements(first: Json, second: Json, memory: Memory) -> None:
    left, right = matches(first, memory), matches(second, memory)

    assert matches({"AND": [first, second]}, memory) is (left and right)
    assert matches({"OR": [first, second]}, memory) is (left or right)
    assert matches({"NOT": first}, memory) is not left
    assert matches({"NOT": [first, second]}, memory) is not (left or right)
    assert both(parse_filter(first), parse_filter(second)).matches(memory) is (left and right)


@given(FILTERS, MEMORIES)
def test_every_match_belongs_to_a_named_subject(raw: Json, memory: Memory) -> None:
    condition = parse_filter(raw)
    named = condition.named_subjects()

    if named is not None and condition.matches(memory):
        assert named & set(memory.scope.subjects)


@given(FILTERS, MEMORIES)
def test_a_scoped_filter_matches_no_stranger(raw: Json, memory: Memory) -> None:
    condition = parse_filter(raw)
    stranger = replace(memory, scope=Scope("acme", ()))

    assert not (is_scoped(condition) and condition.matches(stranger))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=8)
    | st.sampled_from(["*", "2024-07-01", "9999-12-31T23:59:59-10:00", "\ud800", 10**400]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["AND", "OR", "NOT", *FIELD_OPERATORS, *OPERATORS])
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(
    JSON
    | st.dictionaries(st.sampled_from(list(FIELD_OPERATORS)), JSON, max_size=2)
    | st.builds(
        lambda field, operator, value: {field: {operator: value}},
        st.sampled_from(list(FIELD_OPERATORS)),
        st.sampled_from(OPERATORS),
        JSON,
    ),
    MEMORIES,
)
def test_any_json_is_decided_or_refused(raw: object, memory: Memory) -> None:
    try:
        condition = parse_filter(raw)
    except InvalidRequestError as refusal:
        str(refusal).encode()
    else:
        assert condition.matches(memory) in {True, False}
        condition.named_subjects()
        is_scoped(condition)


def test_within_somebodys_reach_nobody_else_is_named() -> None:
    others = parse_filter({"AND": [{"user_id": "ada"}, {"run_id": "trip"}]})
    condition = both(Within((subject_is(HELPER), others)), Unexpired(NOON))

    assert condition.named_subjects() == frozenset({HELPER})
    assert condition.matches(a_memory(a_scope(user="ada", agent="helper", run="trip")))
    assert not condition.matches(a_memory(a_scope(user="ada", run="trip")))
    assert is_scoped(condition)
