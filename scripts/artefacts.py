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
LAYER: Final = "AWS::Serverless::LayerVersion"


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """One function.

    `environment` has what the template itself says of its variables: texts, and the defaults of
    parameters; not what only a deployment knows.
    """

    name: str
    folder: Path
    layers: tuple[Path, ...]
    """Those it has whatever is chosen, as Lambda unpacks them: a later one's files win."""
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
    template = _template(build)
    found = [
        _artefact(build, name, resource["Properties"], template)
        for name, resource in template["Resources"].items()
        if resource["Type"] == FUNCTION
    ]
    return {artefact.name: artefact for artefact in found}


def layers(build: Path) -> dict[str, Path]:
    """Return every built layer by its name in the template, chosen or not.

    Raises `click.ClickException` if nothing was built.
    """
    return {
        name: build / resource["Properties"]["ContentUri"]
        for name, resource in _template(build)["Resources"].items()
        if resource["Type"] == LAYER
    }


def _template(build: Path) -> dict[str, Any]:
    try:
        template: dict[str, Any] = yaml.safe_load((build / "template.yaml").read_text())
    except FileNotFoundError as error:
        message = "nothing is built here: run 'make build'"
        raise click.ClickException(message) from error
    return template


def _artefact(
    build: Path, logical_id: str, own: Mapping[str, Any], template: Mapping[str, Any]
) -> Artefact:
    defaults, resources = template["Globals"]["Function"], template["Resources"]
    settings = {**defaults, **own}
    # SAM adds a function's own layers to those of all, and ours of its own depend on conditions.
    always = [layer["Ref"] for layer in defaults["Layers"]]
    variables = {**_variables(defaults), **_variables(own)}
    return Artefact(
        name=_folder_name(logical_id),
        folder=build / settings["CodeUri"],
        layers=tuple(build / resources[each]["Properties"]["ContentUri"] for each in always),
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
