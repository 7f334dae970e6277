"""Which schemas callers can want answers in, and that answers are held to them exactly."""

import time
from enum import Enum
from typing import Annotated, Any, Literal, Union

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from recollect.domain.answer_checks import KEYWORDS, Check
from recollect.domain.answer_schemas import (
    MAX_DEPTH,
    MAX_PARTS,
    MAX_PATTERN_LENGTH,
    AnswerSchema,
)
from recollect.domain.errors import InvalidRequestError

Schema = dict[str, Any]


def schema_of(schema: Any) -> AnswerSchema:  # noqa: ANN401 - whatever a caller may write
    return AnswerSchema.of(schema)


def problem(schema: object, value: Any) -> str | None:  # noqa: ANN401 - whatever JSON
    """Return what is wrong with a value as the one field of an object."""
    whole = {"type": "object", "properties": {"it": schema}}
    found = schema_of(whole).problem_of({"it": value})
    return found and found.removeprefix("it: ").removeprefix("it.")


def refusal(schema: object) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        schema_of(schema)
    return str(caught.value)


# --- against another implementation

NAMES = st.sampled_from(["a", "b", "c/d", "~"])
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 0.5, 1.0, 2.5])
values = st.recursive(
    scalars | st.sampled_from(["", "a", "ab", "abc", "é", "b1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
types = st.sampled_from(["null", "boolean", "object", "array", "string", "integer", "number"])
sizes, bounds = st.integers(0, 3), st.sampled_from([-1, 0, 0.5, 1, 2])
simple = st.fixed_dictionaries(
    {},
    optional={
        "type": types | st.lists(types, min_size=1, max_size=3, unique=True),
        "enum": st.lists(values, min_size=1, max_size=3),
        "const": values,
        "required": st.lists(NAMES, max_size=2, unique=True),
        "pattern": st.sampled_from(["a", "^a", "b$", "^[a-c]+$", "[0-9]", "(a|b)c"]),
        "multipleOf": st.sampled_from([0.1, 0.5, 1, 2]),
        "uniqueItems": st.booleans(),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), sizes),
        **dict.fromkeys(("minProperties", "maxProperties"), sizes),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), bounds),
    },
).map(lambda keywords: dict(list(keywords.items())[:3]))


def compound(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Schema]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            **dict.fromkeys(("additionalProperties", "propertyNames", "items"), inner),
            **dict.fromkeys(("prefixItems", "anyOf", "oneOf", "allOf"), several),
        },
    )


REFERENCE = {"$ref": "#/$defs/c~1d"}
schemas = st.recursive(
    simple | st.booleans() | st.just(REFERENCE), compound, max_leaves=8
) | st.builds(lambda first, second: {**first, **second}, simple, compound(simple))


@given(schemas, simple, values)
def test_an_answer_is_good_if_another_implementation_says_so(
    schema: object,
    named: Schema,
    value: Any,  # noqa: ANN401 - whatever JSON
) -> None:
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {"c/d": named},
        "type": "object",
        "properties": {"it": schema},
    }

    found = schema_of(whole).problem_of({"it": value})

    oracle = jsonschema_rs.Draft202012Validator(whole)
    assert (found is None) == oracle.is_valid({"it": value}), found


@given(schemas, simple, values)
def test_the_plain_form_of_a_schema_asks_for_the_same(
    schema: object, named: Schema, value: object
) -> None:
    whole = {"$defs": {"c/d": named}, "properties": {"it": schema}}

    plain = schema_of(whole).plain

    assert "$ref" not in str(plain)
    oracles = [jsonschema_rs.Draft202012Validator({**each}) for each in (whole, plain)]
    both = [oracle.is_valid({"it": value}) for oracle in oracles]
    assert len(set(both)) == 1


# --- what pydantic writes


class Level(Enum):
    HIGH = "high"
    LOW = "low"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(ge=0, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str] = []


class Person(BaseModel, extra="forbid"):
    """Somebody."""

    name: str = Field(min_length=1, description="First and last name")
    age: int | None = None
    level: Level = Level.LOW
    email: Annotated[str, Field(pattern=r"^\S+@\S+$")] | None = None
    pets: list[Annotated[Union[Cat, Dog], Field(discriminator="kind")]] = []  # noqa: UP007
    born: tuple[int, int] | None = None
    scores: dict[str, float] = {}
    friends: "list[Person]" = []


PERSON = Person.model_json_schema()


def test_what_pydantic_writes_is_understood() -> None:
    schema = schema_of(PERSON)
    ada: Schema = {
        "name": "Ada",
        "age": None,
        "level": "high",
        "email": "ada@example.org",
        "pets": [{"kind": "cat", "lives": 9}],
        "born": [1815, 12],
        "scores": {"chess": 0.5},
        "friends": [{"name": "Bob", "friends": [{"name": "Cy"}]}],
    }

    assert schema.problem_of(ada) is None
    assert Person.model_validate(ada).name == "Ada"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"age": "old"}, "age"),
        ({"level": "middle"}, "level"),
        ({"email": "ada"}, "email"),
        ({"pets": [{"kind": "cat", "lives": 10}]}, "pets.0"),
        ({"pets": [{"kind": "cow", "lives": 1}]}, "pets.0"),
        ({"born": [1815]}, "born"),
        ({"scores": {"chess": "good"}}, "scores"),
        ({"friends": [{"name": "Bob"}, {"name": "Cy", "friends": [{"name": 5}]}]}, "friends.1"),
        ({"hobby": "bees"}, "the answer"),
    ],
)
def test_what_is_not_as_pydantic_wants_it_is_told_with_its_place(
    change: Schema, place: str
) -> None:
    found = schema_of(PERSON).problem_of({"name": "Ada", **change})

    assert found is not None
    assert found.startswith(place)


def test_of_a_type_within_itself_a_model_is_told_what_it_is_and_no_more() -> None:
    plain: Any = schema_of(PERSON).plain

    friend = plain["properties"]["friends"]["items"]

    assert friend == {"type": "object", "description": "Somebody."}


def test_titles_and_defaults_are_not_told_and_descriptions_are() -> None:
    plain = schema_of(
        {
            "title": "T",
            "type": "object",
            "properties": {
                "title": {"type": "string", "title": "Title", "default": "Dr", "description": "D"}
            },
        }
    ).plain

    assert plain == {
        "type": "object",
        "properties": {"title": {"type": "string", "description": "D"}},
    }


def test_an_object_without_named_properties_is_whatever_the_model_makes_of_it() -> None:
    schema = schema_of({"type": "object"})

    assert schema.plain == {"type": "object", "properties": {}}
    assert schema.problem_of({"anything": [1]}) is None


@pytest.mark.parametrize("value", [None, [], "text", 1, True])
def test_an_answer_is_an_object(value: Any) -> None:  # noqa: ANN401 - whatever a model writes
    assert schema_of({}).problem_of(value) == "the answer must be an object"


# --- what is told


@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        ({"type": ["string", "null"]}, 5, "it must be of the type string or null"),
        ({"enum": ["a"]}, "secret", "it must be one of the values that the schema lists"),
        ({"const": "a"}, "secret", "it must be the value that the schema names"),
        ({"pattern": "^a"}, "secret", "it must match the pattern"),
        ({"multipleOf": 0.1}, 0.25, "it must be a multiple of 0.1"),
        ({"uniqueItems": True}, ["x", "x"], "its items must differ"),
        ({"required": ["name"]}, {}, "name is missing"),
        ({"minLength": 9}, "secret", "it must have as many characters, or more: 9"),
        ({"maxItems": 1}, [1, 2], "it must have no more items than 1"),
        ({"minimum": 3}, 2, "it must be at least 3"),
        ({"exclusiveMaximum": 3}, 3, "it must be less than 3"),
        ({"items": {"type": "null"}}, [None, "secret"], "1: it must be of the type null"),
        ({"prefixItems": [{"type": "null"}]}, ["secret"], "0: it must be of the type null"),
        ({"properties": {"a": False}}, {"a": "secret"}, "a: it must not be there"),
        (
            {"additionalProperties": False},
            {"secret": 1},
            "a property that the schema does not name is not as it asks for",
        ),
        (
            {"propertyNames": {"maxLength": 1}},
            {"secret": 1},
            "the name of a property is not as the schema asks for",
        ),
    ],
)
def test_what_is_wrong_is_told_without_the_value(schema: Schema, value: object, told: str) -> None:
    assert problem(schema, value) == told


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"pattern": "^a"}, 5, "b"),
        ({"multipleOf": 2}, "odd", 3),
        ({"uniqueItems": True}, [{"a": [1]}, {"a": [2]}], [{"a": [1]}, {"a": [1.0]}]),
        ({"uniqueItems": True}, "aa", [0.5, 0.5]),
        ({"uniqueItems": False}, [1, 1], None),
        ({"properties": {"a": {"type": "null"}}}, [], {"a": 1}),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"a": 1}, {"b": 1}),
        ({"additionalProperties": False}, [], {"a": 1}),
        ({"properties": {"a": True}}, {"a": 1}, None),
        ({"propertyNames": {"maxLength": 1}}, "long", {"ab": 1}),
        ({"items": {"type": "null"}}, {}, [1]),
        ({"prefixItems": [{"type": "null"}]}, [], [1]),
        ({"prefixItems": [{}], "items": {"type": "null"}}, [1, None], [1, 1]),
        ({"prefixItems": [False]}, {}, [1]),
        ({"anyOf": [{"type": "null"}, {"const": 1}]}, 1, 2),
        ({"oneOf": [{"type": "integer"}, {"const": 1}]}, 2, 1),
        ({"allOf": [{"type": "integer"}, {"minimum": 1}]}, 1, 0),
        ({"required": ["a"]}, [], {}),
    ],
)
def test_a_keyword_asks_of_its_own_types_alone(schema: Schema, good: object, bad: object) -> None:
    assert problem(schema, good) is None
    assert bad is None or problem(schema, bad)


# --- what is refused


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "array"}, "schema must be of an object"),
        ({"type": ["object"]}, "schema must be of an object"),
        ({"a": 1}, "schema.a is not supported"),
        ({"patternProperties": {}}, "schema.patternProperties is not supported"),
        ({"not": {}}, "schema.not is not supported"),
        ({"properties": []}, "schema.properties must be an object of schemas"),
        ({"properties": {"a": 5}}, "schema.properties.a must be an object"),
        (
            {"properties": {"a": {"type": "text"}}},
            "schema.properties.a.type must be one or",
        ),
        ({"properties": {"a": {"type": []}}}, "schema.properties.a.type must be"),
        ({"properties": {"a": {"type": [[]]}}}, "schema.properties.a.type must be"),
        ({"anyOf": []}, "schema.anyOf must be a list of schemas"),
        ({"anyOf": {}}, "schema.anyOf must be a list of schemas"),
        ({"anyOf": [{"enum": []}]}, "schema.anyOf.0.enum must be a list of values"),
        ({"items": []}, "schema.items must be an object"),
        ({"required": "name"}, "schema.required must be a list of names"),
        ({"required": [1]}, "schema.required must be a list of names"),
        ({"minLength": -1}, "schema.minLength must be a whole number, 0 or more"),
        ({"minLength": True}, "schema.minLength must be a whole number, 0 or more"),
        ({"minimum": "1"}, "schema.minimum must be a number"),
        ({"maximum": True}, "schema.maximum must be a number"),
        ({"multipleOf": 0}, "schema.multipleOf must be a number above 0"),
        ({"uniqueItems": 1}, "schema.uniqueItems must be true or false"),
        ({"pattern": 1}, "schema.pattern must be a regular expression of RE2"),
        ({"pattern": "(?=a)"}, "schema.pattern must be a regular expression of RE2"),
        ({"pattern": "("}, "schema.pattern must be a regular expression of RE2"),
        ({"pattern": "a" * (MAX_PATTERN_LENGTH + 1)}, "schema.pattern must be"),
        ({"$defs": []}, "schema.$defs must be an object of schemas"),
        ({"$ref": 5}, "schema.$ref must lead to one of the schema's own $defs"),
        ({"$ref": "#/$defs/A"}, "schema.$ref must lead to one of the schema's own $defs"),
        ({"$ref": "https://example.org/s.json"}, "schema.$ref must lead to one of"),
        ({"$ref": "#"}, "schema.$ref must lead to one of"),
        ({"$ref": "#/$defs/A", "$defs": {"A": True}}, "schema must be an object"),
    ],
)
def test_what_cannot_be_kept_to_is_refused(schema: Schema, told: str) -> None:
    assert refusal(schema).startswith(told)


@pytest.mark.parametrize(
    "of_a", [{"$ref": "#/$defs/A"}, {"allOf": [{"$ref": "#/$defs/B"}]}, {"$ref": "#/$defs/B"}]
)
def test_a_reference_that_leads_nowhere_but_to_itself_is_refused(of_a: Schema) -> None:
    schema = {
        "$defs": {"A": of_a, "B": {"anyOf": [{"$ref": "#/$defs/A"}]}},
        "properties": {"a": {"$ref": "#/$defs/A"}},
    }

    assert "leads back to itself" in refusal(schema)


def test_older_drafts_keep_their_definitions_elsewhere() -> None:
    schema = {
        "definitions": {"Name": {"type": "string"}},
        "properties": {"name": {"$ref": "#/definitions/Name"}},
    }

    assert schema_of(schema).problem_of({"name": 5})


def test_every_keyword_that_is_checked_can_be_written() -> None:
    written: Schema = {
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), 1),
        **dict.fromkeys(("minProperties", "maxProperties"), 1),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), 1),
        **{name: [{}] for name in ("anyOf", "oneOf", "allOf", "prefixItems")},
        **dict.fromkeys(("items", "additionalProperties", "propertyNames"), True),
        "type": "object",
        "enum": [1],
        "const": 1,
        "required": ["a"],
        "pattern": "a",
        "multipleOf": 1,
        "uniqueItems": True,
        "properties": {},
        "$ref": "#/$defs/A",
    }

    assert set(written) == KEYWORDS
    assert schema_of({**written, "$defs": {"A": {}}}).definitions


# --- schemas that are made to cost much


def test_references_that_double_each_time_are_not_written_out() -> None:
    defs = {
        f"A{number}": {
            "properties": {side: {"$ref": f"#/$defs/A{number + 1}"} for side in ("left", "right")}
        }
        for number in range(12)
    }
    schema = {"$defs": {**defs, "A12": {}}, "properties": {"it": {"$ref": "#/$defs/A0"}}}

    assert str(MAX_PARTS) in refusal(schema)


def test_a_schema_is_not_deeper_than_somebody_may_want() -> None:
    schema: Schema = {}
    for _ in range(MAX_DEPTH):
        schema = {"items": schema}

    assert f"at most {MAX_DEPTH} levels" in refusal({"properties": {"a": schema}})


def test_branches_within_branches_are_checked_once_each() -> None:
    node = {"properties": {"a": {"$ref": "#/$defs/Node"}}, "required": ["b"]}
    schema = {
        "$defs": {"Node": {"anyOf": [node, {**node}, {"type": "null"}, {**node}]}},
        "properties": {"a": {"$ref": "#/$defs/Node"}},
    }
    value: Schema = {"a": {}}
    for _ in range(60):
        value = {"a": value}
    start = time.perf_counter()

    found = schema_of(schema).problem_of(value)

    assert found == "a: it is none of what the schema allows there"
    assert time.perf_counter() - start < 1


def test_an_answer_that_has_no_bottom_is_no_good() -> None:
    schema = {
        "$defs": {"Node": {"items": {"$ref": "#/$defs/Node"}}},
        "properties": {"a": {"$ref": "#/$defs/Node"}},
    }
    value: list[Any] = []
    for _ in range(5_000):
        value = [value]

    assert schema_of(schema).problem_of({"a": value}) == "the answer is nested too deeply"


def test_a_pattern_takes_a_time_that_no_text_can_stretch() -> None:
    start = time.perf_counter()

    assert problem({"pattern": "^(a+)+$"}, "a" * 5_000 + "b")
    assert time.perf_counter() - start < 1


def test_numbers_are_compared_exactly() -> None:
    assert problem({"multipleOf": 0.1}, 0.3) is None
    assert problem({"multipleOf": 1e-300}, 1e300) is None
    assert problem({"const": 1}, 1.0) is None
    assert problem({"const": 1}, value=True)
    assert problem({"type": "integer"}, 1.0) is None
    assert problem({"type": "integer"}, value=True)
    assert Check({}).fault({"maximum": 10**400}, 10**401)
