"""The routes of API keys, which only keys of the whole project open."""

from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from recollect.domain.errors import ForbiddenError
from recollect.entrypoints.answers import PingAnswer
from recollect.entrypoints.caller import caller
from recollect.entrypoints.http import HttpApp
from recollect.entrypoints.key_answers import KeyAnswer, KeysAnswer, key_answer
from recollect.entrypoints.key_bodies import KeyBody, RotateBody
from recollect.entrypoints.presenters import ping_answer
from recollect.usecases.manage_keys import CreateKey, ListKeys, RevokeKey, RotateKey


@dataclass(frozen=True)
class KeyReadRoutes:
    """What shows keys."""

    list_keys: ListKeys

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer them."""
        app.get("/v1/ping", summary="Check a key")(self.get_ping)
        app.get("/v1/keys", summary="List API keys")(self.get_keys)

    def get_ping(self) -> PingAnswer:
        """Tell which project the key opens."""
        return ping_answer(caller.access.project)

    def get_keys(self) -> KeysAnswer:
        """Return the project's keys without the keys themselves."""
        return {"results": [key_answer(key) for key in self.list_keys(caller.project)]}


@dataclass(frozen=True)
class KeyRoutes:
    """What makes and changes keys."""

    create_key: CreateKey
    revoke_key: RevokeKey
    rotate_key: RotateKey

    def add_to(self, app: HttpApp) -> None:
        """Have the router answer them."""
        app.post("/v1/keys", summary="Make an API key")(self.post_key)
        app.delete("/v1/keys/<key_id>", summary="Revoke an API key")(self.delete_key)
        app.post("/v1/keys/<key_id>/rotate", summary="Rotate an API key")(self.post_rotate)

    def post_key(self, body: Annotated[KeyBody, Body()]) -> KeyAnswer:
        """Make another key for the project, shown only now; 403 for limited keys.

        It lasts no longer than the key that makes it, and goes with the same member.
        """
        caller.refuse_idempotency_key()
        grant = body.grant.by(caller.key)
        return key_answer(*self.create_key(_makers_project(), body.name, grant))

    def delete_key(self, key_id: str) -> KeyAnswer:
        """Revoke a key of the project."""
        caller.refuse_idempotency_key()
        return key_answer(self.revoke_key(caller.project, key_id))

    def post_rotate(self, key_id: str, body: Annotated[RotateBody, Body()]) -> KeyAnswer:
        """Return a key that opens the same; the one it follows expires after the overlap.

        403 for limited keys; those that expire, or are a member's, rotate only themselves.
        """
        caller.refuse_idempotency_key()
        maker = caller.key
        if key_id != maker.id and (maker.expires_at or maker.member):
            message = "A key that expires, or is a member's, can only rotate itself"
            raise ForbiddenError(message)
        return key_answer(*self.rotate_key(_makers_project(), key_id, body.overlap))


def _makers_project() -> str:
    """Return the project of a caller who may make keys.

    Raises `ForbiddenError` for a limited key: of a new one nothing is used yet.
    """
    project = caller.project
    if caller.key.is_limited:
        message = "A key that is limited can neither make nor rotate keys"
        raise ForbiddenError(message)
    return project
