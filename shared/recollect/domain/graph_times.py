"""When relations hold: worked out from all that is said, whatever the order it is read in."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from recollect.domain.graph import MAX_BELIEFS, Belief, Relation, Support


def settled(group: Sequence[Relation], now: datetime, *, is_whole: bool = True) -> list[Relation]:
    """Return relations of one source and predicate with what their support lets us believe now.

    Each holds from the earliest start that was said until it is said to be over, or until an
    exclusive one is said to hold later. Where no start was said it is open, or, behind an exclusive
    one that held before, when it was first said. What is believed of it otherwise than before is a
    new belief; without support it is retracted. Versions stay as they are.

    Of a group that is not whole, what was known of an end or a start stays known.
    """
    return [_believed(each, group, now, is_whole=is_whole) for each in group]


def _believed(
    relation: Relation, group: Iterable[Relation], now: datetime, *, is_whole: bool
) -> Relation:
    if not relation.support:
        return relation.retracted(now)
    rivals = [each for each in group if each.is_exclusive and each.triple != relation.triple]
    valid_from, valid_to = _start(relation, rivals), _end(relation, rivals)
    current = relation.belief
    if current and not is_whole:
        valid_from, valid_to = valid_from or current.valid_from, valid_to or current.valid_to
    if current and (current.valid_from, current.valid_to) == (valid_from, valid_to):
        return relation
    beliefs = (*relation.retracted(now).beliefs, Belief(valid_from, valid_to, now))
    return replace(relation, beliefs=beliefs[-MAX_BELIEFS:])


def _start(relation: Relation, rivals: Sequence[Relation]) -> datetime | None:
    said = [each.valid_from for each in relation.support if each.valid_from]
    if said:
        return min(said)
    own = [each for each in relation.support if each.is_open]
    claims = [each for rival in rivals for each in rival.support if each.is_open]
    if not own or not claims:
        return None
    first = min(own, key=lambda each: each.told)
    return first.said_at if any(_is_later(first, each) for each in claims) else None


def _end(relation: Relation, rivals: Sequence[Relation]) -> datetime | None:
    claims = [each for each in relation.support if each.is_open]
    said = [
        each.valid_to
        for each in relation.support
        if each.valid_to and all(each.told > claim.told for claim in claims)
    ]
    if not claims:
        return max(said)
    later = [
        _handover(each, claims)
        for rival in rivals
        for each in rival.support
        if each.is_open and all(_is_later(each, claim) for claim in claims)
    ]
    return min([*said, *later], default=None)


def _is_later(one: Support, other: Support) -> bool:
    """Tell whether what one says is of a later time.

    By when it is said to begin where both tell it, so that an older home that is told of later ends
    nothing; else by when it is known to hold. What is of one time is of the last who told it.
    """
    if one.valid_from and other.valid_from:
        return (one.valid_from, *one.told) > (other.valid_from, *other.told)
    return (one.known_at, *one.told) > (other.known_at, *other.told)


def _handover(to: Support, claims: Iterable[Support]) -> datetime:
    """Return when these end for what is later: when that began, unless they were said after it."""
    since = to.valid_from
    if since and all(each.valid_from or each.said_at < since for each in claims):
        return since
    return to.known_at
