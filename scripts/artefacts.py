"""What was built: each function with its layers, as the built template describes them."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import yaml

FUNCTION: Final = "AWS::Serverless::Function"


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """One function.

    `environment` has what the template itself says of its variables: texts, and the defaults of
    parameters; not what only a deployment knows.
    """

    name: str
    folder: Path
    layers: tuple[Path, ...]
    """In the order in which Lambda unpacks them: a later one's files win."""
    handler: str
    environment: Mapping[str, str]
    timeout_seconds: int
    memory_megabytes: int

    @property
    def search_path(self) -> str:
        """The function's own code, then what is /opt/python on Lambda, as a PYTHONPATH."""
        layers = [layer / "python" for layer in reversed(self.layers)]
        return os.pathsep.join(map(str, (self.folder, *layers)))


def artefacts(build: Path) -> dict[str, Artefact]:
    """Return the built functions by the names of their folders.

    Raises `click.ClickException` if nothing was built.
    """
    try:
        template: dict[str, Any] = yaml.safe_load((build / "template.yaml").read_text())
    except FileNotFoundError as error:
        message = "nothing is built here: run 'make build'"
        raise click.ClickException(message) from error
    found = [
        _artefact(build, name, resource["Properties"], template)
        for name, resource in template["Resources"].items()
        if resource["Type"] == FUNCTION
    ]
    return {artefact.name: artefact for artefact in found}


def _artefact(
    build: Path, logical_id: str, own: Mapping[str, Any], template: Mapping[str, Any]
) -> Artefact:
    defaults, resources = template["Globals"]["Function"], template["Resources"]
    settings = {**defaults, **own}
    layers = [resources[layer["Ref"]]["Properties"]["ContentUri"] for layer in settings["Layers"]]
    variables = {**_variables(defaults), **_variables(own)}
    return Artefact(
        name=_folder_name(logical_id),
        folder=build / settings["CodeUri"],
        layers=tuple(build / layer for layer in layers),
        handler=settings["Handler"],
        environment=dict(_known(variables, template["Parameters"])),
        timeout_seconds=settings["Timeout"],
        memory_megabytes=settings["MemorySize"],
    )


def _folder_name(logical_id: str) -> str:
    """Return `graph_writer` for `GraphWriterFunction`; the SAM CLI forgets the folder itself."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", logical_id.removesuffix("Function"))
    return words.lower()


def _variables(properties: Mapping[str, Any]) -> dict[str, Any]:
    variables: dict[str, Any] = properties.get("Environment", {}).get("Variables", {})
    return variables


def _known(
    variables: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    for name, value in variables.items():
        if not isinstance(value, dict):
            yield name, str(value)
        elif "Default" in parameters.get(value.get("Ref", ""), {}):
            yield name, str(parameters[value["Ref"]]["Default"])
