"""The items of the record's tables: where each lives. Names and texts are never part of a key.

Record table, by partition key and sort key (p project, s subject, c scope, o owner, n shard):

    M#p#id    S                   a memory's state, or the tombstone of a deleted one
              E#version           one event of its history
              G                   what the graph has of it
    U#p#c#h   U                   the memory that has the text with this keyed hash in the scope
    L#p#s#n   created#id          a memory of the subject
    B#p#s     A                   the subject's kind and name, and what was said of it
              C#c                 a scope of the subject
              D#created#id        a deleted memory of the subject
              P#N#time            changes that the index has not confirmed
              P#C#time            changes that it has, at that time, and may not show yet
    C#p#c     A                   the scope's clock, and what it knows of erasures
              T                   its next turn
              E#recorded#job      an episode of the scope, and where its object is
    G#p#o     A                   that the owner has a graph
              N#entity            an entity of the owner
              A#entity            whose other name what would have this id is
              X#entity#relation   a relation that begins or ends at the entity
              P#time              a change of a memory that the graph writer has not read
              F#time              one that it cannot read, and why
              Q#N#time            a commit to the graph that its projections have not confirmed
              Q#C#time            one that they have, at that time, and may not show yet
    J#p#job   J                   a job
              E                   the episode that it stored
    I#p#h     I                   the job that an idempotency key belongs to

The index `wide` (gpk, gsk) finds what no key leads to:

    M#p#n     created#id          all memories of a project
    Z#n       last day#p#id       memories that expire, of all projects
    S#p       created#kind#s      its subjects
    E#p#c     job                 the episodes of a scope that the release before stored
    P#n       since#...           changes that the index has not confirmed, of all projects
    G#n       since#...           changes that the graph writer has not read, of all projects
    F#n       time#...            changes that it cannot read, of all projects
    Q#n       since#...           commits to graphs not confirmed by projections, of all projects
    O#p       owner               the owners of a project's graphs
    J#n       lease end#...       unfinished jobs, of all projects
    Y#p#n     created#job         a project's jobs that have ended
    X#n       expiry#job          scopes' episodes that expire, of all projects

Control table, which is never restored to the past:

    P#p       S                   the project's secret
              A                   its settings
              K#created#key id    a key of the project
    K#hash    K                   the same key, by the hash of its secret
    E#p       s                   when a subject was erased
    T#p#id    T                   when searches showed a memory
    PROJECTS  hash                the name of a project, by its hash
    W#p       W                   the project's webhooks
    D#p#w     id                  a delivery to the webhook w
    Q#n       due#p#w#id          that it is due then
    U#p       D#day#key id        what a key has used on a day
              M#minute#key id     the requests of a key in a minute, if they are limited
              M#minute#           those of all keys together
"""

import hashlib
from collections.abc import Iterator
from urllib.parse import quote, unquote

from recollect.adapters import stored
from recollect.adapters.aws.dynamodb import Item, Key
from recollect.domain.memory import Embedding, Episode, Memory
from recollect.domain.subjects import Subject, SubjectKind

WIDE_INDEX = "wide"
WIDE_SHARDS = 16
"""Partitions that writes of one kind are spread over: DynamoDB takes 1,000 a second in each."""
SHARDS = {SubjectKind.USER: 1, SubjectKind.RUN: 1, SubjectKind.AGENT: 8, SubjectKind.APP: 8}
"""Partitions of a subject's memories: agents and apps have those of many users. Stored in keys,
so these numbers can never change."""
MAX_ID_LENGTH = 128
"""Characters; ids are ours and shorter, so nothing longer is ever found."""


def project_part(project: str) -> str:
    """Return the project as part of a key: without `#`, so that no two keys can be confused."""
    return quote(project, safe="")


def project_of(part: str) -> str:
    """Return the project from its part of a key."""
    return unquote(part)


def shard(name: str, count: int) -> int:
    """Return the shard, of so many, that a name belongs to."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % count


def state_key(project: str, memory_id: str) -> Key:
    """Where a memory's state is."""
    return f"M#{project_part(project)}#{memory_id}", "S"


def event_key(project: str, memory_id: str, version: int) -> Key:
    """Where an event of a memory's history is."""
    return f"M#{project_part(project)}#{memory_id}", f"E#{version:010d}"


def marker_key(project: str, scope_key: str, marker: bytes) -> Key:
    """Where it is told which memory of a scope has a text."""
    return f"U#{project_part(project)}#{scope_key}#{marker.hex()}", "U"


def member_partitions(project: str, kind: SubjectKind, subject_key: str) -> Iterator[str]:
    """Where the memories of a subject are, one partition a shard."""
    for at in range(SHARDS[kind]):
        yield f"L#{project_part(project)}#{subject_key}#{at}"


def member_key(project: str, subject: Subject, memory: Memory) -> Key:
    """Where it is told that a memory belongs to a subject."""
    at = shard(memory.id, SHARDS[subject.kind])
    return f"L#{project_part(project)}#{subject.key}#{at}", place(memory)


DELETED = "D#"
"""The sort keys of a subject's deleted memories begin with it."""


def place(memory: Memory) -> str:
    """Return the place of a memory in lists: by the time shown to the caller, then by id."""
    return f"{stored.time_text(memory.created_at)}#{memory.id}"


def subject_partition(project: str, subject_key: str) -> str:
    """Where everything of a subject is but its memories."""
    return f"B#{project_part(project)}#{subject_key}"


def scope_partition(project: str, scope_key: str) -> str:
    """Where a scope's clock and turns are."""
    return f"C#{project_part(project)}#{scope_key}"


def job_key(project: str, job_id: str) -> Key:
    """Where a job is."""
    return f"J#{project_part(project)}#{job_id}", "J"


def episode_key(project: str, job_id: str) -> Key:
    """Where the episode of an add's job is."""
    return f"J#{project_part(project)}#{job_id}", "E"


def episode_place(project: str, episode: Episode) -> Key:
    """Where it is told that an episode belongs to a scope, and when it was recorded."""
    place = f"E#{stored.time_text(episode.recorded_at)}#{episode.id}"
    return scope_partition(project, episode.scope.key), place


def idempotency_key(project: str, key: str) -> Key:
    """Where it is told which job a caller's idempotency key belongs to."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"I#{project_part(project)}#{digest}", "I"


def wide_memories(project: str, at: int) -> str:
    """Where `wide` has a shard of a project's memories."""
    return f"M#{project_part(project)}#{at}"


EXPIRING = "Z#"
"""Where `wide` has the shards of memories that expire."""


def wide_subjects(project: str) -> str:
    """Where `wide` has a project's subjects."""
    return f"S#{project_part(project)}"


def wide_ended_jobs(project: str) -> str:
    """Where `wide` has the shards of a project's jobs that have ended."""
    return f"Y#{project_part(project)}#"


def wide_episodes(project: str, scope_key: str) -> str:
    """Where `wide` has those of a scope's episodes that have no place among its own items."""
    return f"E#{project_part(project)}#{scope_key}"


def vectors_item(embedding: Embedding | None) -> Item:
    """Return vectors by the model that made them: one, or none."""
    return {"M": {embedding.model: {"B": embedding.data}} if embedding else {}}


def is_possible(an_id: str) -> bool:
    """Tell whether something can have this id; others must not become keys, which are bounded."""
    return 0 < len(an_id) <= MAX_ID_LENGTH
