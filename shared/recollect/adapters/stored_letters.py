"""The form in which a message's origin goes with it, the same in every edition."""

from pydantic import TypeAdapter, ValidationError

from recollect.ports.letters import Origin

ORIGIN = "recollect.origin"
"""The name of the message attribute that it is in, where messages have attributes."""

_ORIGIN = TypeAdapter(Origin)


def dump_origin(origin: Origin) -> str:
    """Return an origin as JSON."""
    return _ORIGIN.dump_json(origin).decode()


def load_origin(text: str) -> Origin | None:
    """Return the origin that `dump_origin` wrote; None for what others wrote under its name."""
    try:
        origin = _ORIGIN.validate_json(text)
    except ValidationError:
        return None
    return origin if origin.sent_at.tzinfo else None
