"""An index of another release's terms is built anew, and no other."""

import pytest

from recollect.adapters.local.index_builds import LocalIndexBuilds
from recollect.domain.subjects import Scope
from recollect.usecases.rebuild_index import RebuildIndex, RenewIndex
from tests.service import Service


class Builds(LocalIndexBuilds):
    """An index in the data file that an older release would have left."""

    def __init__(self, service: Service, *, outdated: bool) -> None:
        super().__init__(service.store.database)
        self.outdated = outdated

    def is_outdated(self) -> bool:
        return self.outdated

    def finish(self) -> None:
        super().finish()
        self.outdated = False


def ignore(*_: object) -> None:
    """Nobody watches, and nothing has to settle."""


@pytest.mark.parametrize(("is_outdated", "written"), [("yes", [2, None]), ("", [None, None])])
def test_an_outdated_index_is_built_anew_once(
    service: Service, scope: Scope, is_outdated: str, written: list[int | None]
) -> None:
    for text in ("tea", "cake"):
        service.remember(scope, text)
    builds = Builds(service, outdated=bool(is_outdated))
    rebuild = RebuildIndex(service.ports.keys, service.ports.listing, builds, settle=ignore)
    renew = RenewIndex(builds, rebuild)

    assert [renew(ignore) for _ in range(2)] == written
