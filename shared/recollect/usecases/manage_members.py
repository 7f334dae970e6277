"""Members of a project: those who may work with it, with their roles and keys."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from recollect.domain.errors import ConflictError, NotFoundError
from recollect.domain.keys import ApiKey, Role
from recollect.domain.members import checked_email
from recollect.domain.projects import ProjectSettings
from recollect.ports.keys import Keys
from recollect.ports.projects import SettingsStore
from recollect.usecases.manage_keys import change_keys
from recollect.usecases.manage_projects import ChangeProject
from recollect.usecases.racing import MAX_LOST_RACES


@dataclass(frozen=True)
class ManageMembers:
    """List a project's members and change who they are; their keys follow.

    The store must not answer with settings of a minute ago. Every change raises
    `InvalidRequestError` for what is no e-mail address, and `ConflictError` if others keep
    changing the project; one that failed half-way is completed by repeating it.
    """

    projects: SettingsStore
    keys: Keys
    now: Callable[[], datetime]

    def list(self, project: str) -> Mapping[str, Role]:
        """Return the role of each member, by e-mail address, in the order of the addresses."""
        return dict(sorted(self.projects.get(project).members.items()))

    def add(self, project: str, email: str, role: Role) -> None:
        """Add a member; raise `ConflictError` if there is one with this address."""
        address = checked_email(email)

        def change(settings: ProjectSettings) -> ProjectSettings:
            if address in settings.members:
                message = "There is a member with this e-mail address already"
                raise ConflictError(message)
            return replace(settings, members={**settings.members, address: role})

        ChangeProject(self.projects)(project, change)

    def change_role(self, project: str, email: str, role: Role) -> None:
        """Give a member, and all of the member's keys, a role; raise `NotFoundError`."""
        address = checked_email(email)

        def change(settings: ProjectSettings) -> ProjectSettings:
            if address not in settings.members:
                raise _no_member()
            return replace(settings, members={**settings.members, address: role})

        ChangeProject(self.projects)(project, change)
        self._let_keys_follow(project, address)

    def remove(self, project: str, email: str) -> None:
        """Remove a member and revoke the member's keys; raise `NotFoundError`."""
        address = checked_email(email)

        def change(settings: ProjectSettings) -> ProjectSettings:
            others = {each: role for each, role in settings.members.items() if each != address}
            return replace(settings, members=others)

        was_member = address in self.projects.get(project).members
        if was_member:
            ChangeProject(self.projects)(project, change)
        # Also those that a removal which failed half-way has left.
        had_keys = self._let_keys_follow(project, address)
        if not (was_member or had_keys):
            raise _no_member()

    def _let_keys_follow(self, project: str, member: str) -> bool:
        """Bring the member's keys to what the settings say; tell whether there were good ones."""
        role, had_keys = self._role(project, member), False
        for _ in range(MAX_LOST_RACES):
            had_keys |= self._change_keys(project, member, role)
            # Others may have changed the role while the keys followed.
            before, role = role, self._role(project, member)
            if role is before:
                return had_keys
        message = "The member is being changed by others; try again"
        raise ConflictError(message)

    def _change_keys(self, project: str, member: str, role: Role | None) -> bool:
        theirs = False

        def follow(key: ApiKey) -> ApiKey:
            nonlocal theirs
            if key.member != member or key.revoked_at:
                return key
            theirs = True
            return replace(key, role=role) if role else replace(key, revoked_at=self.now())

        change_keys(self.keys, project, follow)
        return theirs

    def _role(self, project: str, member: str) -> Role | None:
        return self.projects.get(project).members.get(member)


def _no_member() -> NotFoundError:
    return NotFoundError("Member not found")
