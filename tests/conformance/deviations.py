"""The one list of what a published client cannot do, whatever it is answered, and why."""

from dataclasses import dataclass
from typing import Final, TypeAlias

from tests.conformance.clients import CLIENTS, RaisedError


@dataclass(frozen=True)
class Deviation:
    """What a client raises whatever it asks for, and why."""

    kind: str
    words: str
    reason: str

    def explains(self, error: RaisedError) -> bool:
        """Tell whether this is what the client raised."""
        return error.kind == self.kind and self.words in error.message


Deviations: TypeAlias = dict[tuple[str, str], Deviation]

_NO_CHAT: Final = Deviation(
    "NotImplementedError", "Chat is not implemented yet", "The client sends nothing: it only raises"
)
_FEEDBACK: Final = Deviation(
    "TypeError",
    "capture_client_event",
    "The call succeeds; then the client hands its telemetry an argument too many and raises",
)
_AGENT_MODE: Final = Deviation(
    "exit status 1",
    "only works on unclaimed agent-mode keys",
    "The command is for keys that mem0 gives to agents; with others the client sends nothing",
)
_NO_IDENTITY: Final = Deviation(
    "exit status 1",
    "No default_user_id found",
    "The command prints a name in mem0's own game; the client sends nothing",
)
_GAME: Final = Deviation(
    "AttributeError",
    "'str' object has no attribute 'get'",
    "The command plays mem0's own game, which is no memory; the client trips over every refusal",
)


def _of(name: str, version: str, method: str, deviation: Deviation) -> Deviations:
    return {
        (client.label, method): deviation
        for client in CLIENTS
        if (client.name, client.version) == (name, version)
    }


DEVIATIONS: Final[Deviations] = {
    **_of("mem0ai", "1.0.11", "chat", _NO_CHAT),
    **_of("mem0ai", "2.2.1", "chat", _NO_CHAT),
    **_of("mem0ai", "1.0.11", "feedback", _FEEDBACK),
    **_of("mem0-cli", "0.2.13", "identify", _AGENT_MODE),
    **_of("mem0-cli", "0.2.13", "whoami", _NO_IDENTITY),
    **_of("mem0-cli", "0.2.13", "agent-rush add", _GAME),
    **_of("mem0-cli", "0.2.13", "agent-rush search", _GAME),
}
"""By the client's label and the method."""
