"""The whole conformance run: all clients against one edition."""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final, Literal, TypeAlias

from recollect.bootstrap.configuration import choosing_for_all
from recollect.domain.errors import UnavailableError
from recollect.domain.memory import Vector
from recollect.ports.models import EmbeddingTask
from tests import aws_edition
from tests.callers import Deployment, LiveService, served
from tests.conformance.clients import Client, driven, tried
from tests.conformance.outcomes import Outcome, Play
from tests.conformance.plays import played
from tests.conformance.provoked import surprises
from tests.conformance.refusals import KINDS, refusal, surprise
from tests.conformance.stub import refusing_server

Edition: TypeAlias = Literal["local", "aws"]

EDITIONS: Final[Sequence[Edition]] = ("local", "aws")
AT_ONCE: Final = 2
MIND: Final = "tests.contract.simple_mind:SimpleMind"


class NoEmbedder:
    """An embedder that cannot be reached, for a service that has to say so."""

    model = "none"
    dimensions = 8

    def embed(self, texts: Sequence[str], task: EmbeddingTask) -> list[Vector]:  # noqa: ARG002
        message = "The embedder cannot be reached"
        raise UnavailableError(message)


@dataclass(frozen=True)
class Findings:
    """What came of every client's calls, and what of refusals was not as it should be."""

    outcomes: list[Outcome]
    surprises: list[str]

    @property
    def problems(self) -> list[str]:
        """What failed, a line each."""
        failed = [each for each in self.outcomes if each.result == "failed"]
        told = [f"{each.client.label}: {each.method}: {each.detail}" for each in failed]
        return told + self.surprises


def findings(edition: Edition) -> Findings:
    """Return what all clients find of an edition."""
    with _services(edition) as (service, broken), refusing_server() as stub:
        groups = [list(each) for _, each in groupby(tried(), key=lambda client: client.runtime)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            parts = list(pool.map(lambda each: _of(each, service, broken, stub), groups))
    return Findings(
        [outcome for part in parts for outcome in part.outcomes],
        [found for part in parts for found in part.surprises],
    )


def _of(
    clients: Sequence[Client], service: LiveService, broken: LiveService | None, stub: str
) -> Findings:
    all_found = Findings([], [])
    with driven(clients[0]) as driver:
        for client in clients:
            all_found.outcomes.extend(played(client, driver, service))
            all_found.surprises.extend(surprises(Play(client, driver, service), broken))
            driver.open(client, stub, "m0-" + "x" * 32)
            told = ((status, refusal(driver, status)) for status in KINDS)
            all_found.surprises.extend(
                f"{client.label}: {status} of the stub: {found}"
                for status, error in told
                if (found := surprise(client, status, error))
            )
    return all_found


@contextmanager
def _services(edition: Edition) -> Iterator[tuple[LiveService, LiveService | None]]:
    """Yield a service of this edition; and where it can be had, one without an embedder."""
    if edition == "aws":
        with aws_edition.running() as service:
            yield service, None
        return
    with (
        tempfile.TemporaryDirectory(prefix="conformance-") as folder,
        _local(Path(folder) / "memories.db", language_model=MIND) as service,
        _local(Path(folder) / "broken.db", embedder=f"{__name__}:NoEmbedder") as broken,
    ):
        yield service, broken


@contextmanager
def _local(data: Path, **choices: str) -> Iterator[LiveService]:
    with choosing_for_all(data=data, **choices), served(Deployment.fresh()) as service:
        yield service
