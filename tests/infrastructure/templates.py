"""The templates, and what they come to for certain parameters."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
MAIN: Final = "template.yaml"
RECORD: Final = "stacks/record.yaml"
MONITORING: Final = "stacks/monitoring.yaml"
GRAPH_MONITORING: Final = "stacks/graph_monitoring.yaml"
INGESTION_MONITORING: Final = "stacks/ingestion_monitoring.yaml"
NEPTUNE: Final = "stacks/neptune.yaml"
KEY: Final = "arn:aws:kms:eu-west-1:123456789012:key/0b5a1c9e-5a4f-4c39-9a56-3e7c02d4b1aa"
SECRET: Final = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:openai-AbCdEf"
OPENAI: Final = {"OpenaiUrl": "https://api.openai.com/v1", "OpenaiApiKeySecret": SECRET}
CHOICES: Final[dict[str, dict[str, str]]] = {
    "as it comes": {},
    "a collection": {"OpenSearch": "serverless", "OpenSearchEngine": "faiss"},
    "a domain that exists": {
        "OpenSearch": "existing",
        "OpenSearchUrl": "https://search-there.eu-west-1.es.amazonaws.com",
        "OpenSearchName": "there",
    },
    "a collection that exists": {
        "OpenSearch": "existing",
        "OpenSearchAuth": "aoss",
        "OpenSearchEngine": "faiss",
        "OpenSearchUrl": "https://there.eu-west-1.aoss.amazonaws.com",
        "OpenSearchName": "there",
    },
    "other models": {"Embedder": "openai", "LanguageModel": "openai", **OPENAI},
    "no models": {"Embedder": "mine.models:embedder", "LanguageModel": "rules"},
    "everything": {
        "AlarmTopicArn": "arn:aws:sns:eu-west-1:123456789012:alarms",
        "ChatModelProfile": "",
        "EmbeddingModelProfile": "eu",
        "Graph": "neptune",
        "IngestBucket": "there",
        "IngestProject": "default",
        "NeptuneNetwork": "vpc",
        "NeptuneVpc": "vpc-0a1b2c3d",
        "NeptuneSubnets": "subnet-0a1b2c3d,subnet-4e5f6a7b",
        "KmsKeyArn": KEY,
        "OpenSearchInstanceCount": "3",
        "RerankModelId": "cohere.rerank-v3-5:0",
        "Tracing": "Active",
    },
    "a graph in the record": {"Graph": "record"},
    "every function": {"Graph": "record", "IngestProject": "default"},
    "a graph in a cluster": {
        "Graph": "neptune",
        "NeptuneNetwork": "public",
        "NeptuneVpc": "vpc-0a1b2c3d",
        "NeptuneSubnets": "subnet-0a1b2c3d,subnet-4e5f6a7b",
    },
    "a graph in a cluster that exists": {
        "Graph": "neptune",
        "NeptuneEngine": "1.5",
        "NeptuneUrl": "wss://there.cluster-c1.eu-west-1.neptune.amazonaws.com:8182/gremlin",
        "NeptuneResourceId": "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "NeptuneNetwork": "vpc",
        "NeptuneSubnets": "subnet-0a1b2c3d,subnet-4e5f6a7b",
        "NeptuneSecurityGroup": "sg-0a1b2c3d",
    },
    "a graph and a collection": {
        "Graph": "record",
        "OpenSearch": "serverless",
        "OpenSearchEngine": "faiss",
    },
}
"""Parameters that between them make every condition true once and false once."""

_NOTHING: Final = object()
_NAMED: Final = re.compile(r"\$\{([A-Za-z0-9:]+)(?:\.[A-Za-z0-9.]+)?\}")


class TemplateLoader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref Queue` becomes `{"Ref": "Queue"}`."""


def _short_form(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, object]:
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


TemplateLoader.add_multi_constructor("!", _short_form)


@cache
def template(place: str) -> dict[str, Any]:
    """Return a template of the repository, short forms spelled out."""
    loaded: dict[str, Any] = yaml.load(
        (ROOT / place).read_bytes(),
        TemplateLoader,  # noqa: S506 (a safe loader with one more constructor)
    )
    return loaded


@dataclass(frozen=True)
class Stack:
    """What CloudFormation makes of a template and parameters.

    References to resources become text: `!GetAtt Queue.Arn` is `${Queue.Arn}`.
    """

    place: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources whose conditions hold, by logical id."""
        return {
            name: self.resolved(resource)
            for name, resource in template(self.place)["Resources"].items()
            if self.holds({"Condition": resource.get("Condition", True)})
        }

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """The values of the outputs, by name."""
        return {
            name: self.resolved(output["Value"])
            for name, output in template(self.place).get("Outputs", {}).items()
            if self.holds({"Condition": output.get("Condition", True)})
        }

    @cached_property
    def violations(self) -> list[str]:
        """What the rules of the template say against the parameters."""
        return [
            assertion["AssertDescription"]
            for rule in template(self.place).get("Rules", {}).values()
            if self.holds(rule["RuleCondition"])
            for assertion in rule["Assertions"]
            if not self.holds(assertion["Assert"])
        ]

    @cached_property
    def values(self) -> dict[str, Any]:
        """The parameters with their defaults."""
        declared = template(self.place).get("Parameters", {})
        unknown = self.parameters.keys() - declared.keys()
        assert not unknown, f"{self.place} has no parameter {unknown}"
        defaults = {name: each["Default"] for name, each in declared.items() if "Default" in each}
        return defaults | dict(self.parameters)

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of the resources of one type, by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    @cached_property
    def functions(self) -> dict[str, dict[str, Any]]:
        """The functions, each with what is said for all; variables and layers add up, as by SAM."""
        common = self.resolved(template(self.place)["Globals"]["Function"])
        return {
            name: common
            | own
            | {
                "Environment": {"Variables": variables_of(common, own)},
                "Layers": common["Layers"] + own.get("Layers", []),
            }
            for name, own in self.of_type("AWS::Serverless::Function").items()
        }

    def dangling(self) -> set[str]:
        """Return what is referred to and not there."""
        used = {
            name
            for text in strings([self.resources, self.outputs])
            for name in _NAMED.findall(text)
            if not name.startswith("AWS::")
        }
        return used - self.resources.keys() - self.values.keys()

    def holds(self, condition: Any) -> bool:  # noqa: ANN401 - parsed YAML
        """Tell whether a condition, a rule's included, is true."""
        ((name, operand),) = condition.items()
        if name == "Condition":
            named = template(self.place).get("Conditions", {})
            return operand is True or self.holds(named[operand])
        if name == "Equals":
            left, right = map(self.resolved, operand)
            return str(left) == str(right)
        held = [self.holds(each) for each in operand]
        return {"Not": not held[0], "And": all(held), "Or": any(held)}[name]

    def resolved(self, node: Any) -> Any:  # noqa: ANN401 - parsed YAML
        """Return a part of the template, its conditions decided and its parameters filled in."""
        if isinstance(node, list):
            items = [self.resolved(item) for item in node]
            return [item for item in items if item is not _NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, operand),) = node.items()
            if name in ("Ref", "GetAtt", "If", "Sub"):
                return self._called(name, operand)
        resolved = {name: self.resolved(part) for name, part in node.items()}
        return {name: part for name, part in resolved.items() if part is not _NOTHING}

    def _called(self, function: str, operand: Any) -> Any:  # noqa: ANN401 - parsed YAML
        if operand == "AWS::NoValue":
            return _NOTHING
        if function == "If":
            return self._if(operand)
        if function == "Sub":
            return self._sub(operand)
        return self.values.get(operand, f"${{{operand}}}")

    def _if(self, operand: list[Any]) -> Any:  # noqa: ANN401 - parsed YAML
        condition, then, otherwise = operand
        return self.resolved(then if self.holds({"Condition": condition}) else otherwise)

    def _sub(self, operand: Any) -> str:  # noqa: ANN401 - parsed YAML
        text, names = (operand, {}) if isinstance(operand, str) else operand
        known = self.values | self.resolved(names)
        return re.sub(r"\$\{(\w+)\}", lambda found: str(known.get(found[1], found[0])), text)


def variables_of(*functions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environment variables of a function and of what is said for all, together."""
    together: dict[str, Any] = {}
    for function in functions:
        together |= function.get("Environment", {}).get("Variables", {})
    return together


def strings(node: object) -> Iterator[str]:
    """Yield every text of a part of a template, however deep."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for part in node.values():
            yield from strings(part)
    elif isinstance(node, list):
        for item in node:
            yield from strings(item)


def listed(node: object) -> list[Any]:
    """Return what may stand alone or in a list, in a list."""
    return node if isinstance(node, list) else [node]
