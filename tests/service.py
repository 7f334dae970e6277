"""The use cases over the local adapters, wired as in production but with a clock and ids given."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from typing import Any, Self

from recollect.adapters.local.embedder import BundledEmbedder
from recollect.adapters.local.entity_index import LocalEntityIndex
from recollect.adapters.local.graph_rules import RuleBasedGraphReader
from recollect.adapters.local.object_store import FolderObjectStore
from recollect.adapters.local.rules import RuleBasedDecider, RuleBasedExtractor
from recollect.adapters.local.store import LocalStore
from recollect.adapters.local.wake_ups import LocalWakeUps
from recollect.adapters.record_graph import RecordGraphStore
from recollect.domain.filters import subject_is
from recollect.domain.jobs import IdempotencyKey, Job
from recollect.domain.memory import Memory, Message
from recollect.domain.requests import (
    AddRequest,
    BatchDeleteRequest,
    BatchUpdateRequest,
    DeleteAllRequest,
    EraseRequest,
    ExportRequest,
    IngestRequest,
    JobRequest,
)
from recollect.domain.subjects import Scope
from recollect.ports.archive import Archive
from recollect.ports.erasure import Erasures, Remains
from recollect.ports.graph import EntityIndex, GraphReader, GraphRecord, GraphStore
from recollect.ports.graph_outbox import GraphOutbox
from recollect.ports.index import IndexQuery, MemoryIndex, Proposal
from recollect.ports.jobs import Jobs
from recollect.ports.keys import Keys
from recollect.ports.models import Decider, Describer, Embedder, Extractor
from recollect.ports.objects import ObjectStore
from recollect.ports.projects import SettingsStore
from recollect.ports.record import Episodes, Listing, Outbox, Record, Scopes
from recollect.ports.subjects import Subjects
from recollect.ports.touches import Touches
from recollect.ports.webhooks import Deliveries, Webhooks
from recollect.testing.builders import NOON, a_key, a_scope
from recollect.testing.store import Store
from recollect.usecases.add_memories import AddMemories
from recollect.usecases.announce_changes import AnnounceChanges
from recollect.usecases.asking import AskModel
from recollect.usecases.candidates import FindCandidates
from recollect.usecases.carry_on import CarryOn
from recollect.usecases.change_memories import DeleteBatch, UpdateBatch
from recollect.usecases.change_memory import DeleteMemory, UpdateMemory
from recollect.usecases.context import RecentMessages
from recollect.usecases.create_project import CreateProject
from recollect.usecases.decisions import DecideDrafts
from recollect.usecases.delete_memories import DeleteMemories
from recollect.usecases.describe_subjects import DescribeSubject
from recollect.usecases.describing import NoDescriber
from recollect.usecases.empty_jobs import EmptyJobs
from recollect.usecases.end_project import EndProject
from recollect.usecases.erase_graph import EraseGraph
from recollect.usecases.erase_subject import EraseSubject
from recollect.usecases.export_memories import ExportMemories, ReadExport
from recollect.usecases.find_origins import FindOrigins
from recollect.usecases.find_remains import FindRemains
from recollect.usecases.follow_graph import FollowGraph
from recollect.usecases.gather_evidence import GatherEvidence
from recollect.usecases.ingest_object import IngestObject
from recollect.usecases.manage_keys import CreateKey
from recollect.usecases.manage_projects import ChangeProject, ReadProject
from recollect.usecases.neighbours import FindNeighbours
from recollect.usecases.project_changes import Maintain, ProjectChanges
from recollect.usecases.project_graph import ProjectGraph
from recollect.usecases.read_jobs import ListJobs, ReadJob
from recollect.usecases.read_memories import ListMemories, ListSubjects, ReadMemory
from recollect.usecases.reading import ReadMessages
from recollect.usecases.reapply_erasures import ReapplyErasures
from recollect.usecases.remove_expired import RemoveExpired
from recollect.usecases.rerank import Rerank
from recollect.usecases.resolving import ResolveEntities
from recollect.usecases.search_graph import SearchGraph
from recollect.usecases.search_memories import Found, SearchMemories
from recollect.usecases.summarise_memories import SummariseMemories
from recollect.usecases.take_stock import CountMemories, ListHistories
from recollect.usecases.wipe_memories import WipeMemories
from recollect.usecases.work_on_jobs import WorkOnJobs
from recollect.usecases.write_graph import WriteGraph

TICK = timedelta(milliseconds=1)
BACKUPS_KEPT = timedelta(days=35)
THREADS = ThreadPoolExecutor(4, thread_name_prefix="graph")
RESIDENT_BYTES = 64 * 1024 * 1024


class Clock:
    """Starts at `NOON`; every look at it takes a millisecond, and tests can move it."""

    def __init__(self, start: datetime = NOON) -> None:
        self._start = start
        self._looks = count()

    def __call__(self) -> datetime:
        return self._start + next(self._looks) * TICK

    def forward(self, time: timedelta) -> None:
        self._start += time


class Ids:
    """Ids in the shape of UUIDs, in order."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def __call__(self) -> str:
        return f"00000000-0000-4000-8000-{next(self._numbers):012d}"


@cache
def embedder() -> BundledEmbedder:
    """Return the bundled embedder, which reads its file once."""
    return BundledEmbedder()


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What the use cases are made of; the local adapters unless a test replaces one."""

    record: Record
    episodes: Episodes
    scopes: Scopes
    listing: Listing
    outbox: Outbox
    graph: GraphRecord
    graph_outbox: GraphOutbox
    graph_store: GraphStore
    graph_reader: GraphReader
    entities: EntityIndex
    jobs: Jobs
    keys: Keys
    index: MemoryIndex
    embedder: Embedder
    extractor: Extractor
    decider: Decider
    describer: Describer
    projects: SettingsStore
    webhooks: Webhooks
    deliveries: Deliveries
    touches: Touches
    subjects: Subjects
    archive: Archive
    erasures: Erasures
    remains: Remains
    wake_ups: LocalWakeUps
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    is_late: Callable[[], bool] = lambda: False
    ask: Callable[[], AskModel | None] = lambda: None
    objects: ObjectStore = field(default_factory=FolderObjectStore)
    rerank: Rerank | None = None

    @classmethod
    def over(
        cls,
        store: Store,
        index: MemoryIndex,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> "Ports":
        return cls(
            record=store.record,
            episodes=store.episodes,
            scopes=store.scopes,
            listing=store.listing,
            outbox=store.outbox,
            graph=store.graph,
            graph_outbox=store.graph_outbox,
            graph_store=RecordGraphStore(store.graph),
            graph_reader=RuleBasedGraphReader(),
            entities=LocalEntityIndex(store.graph),
            jobs=store.jobs,
            keys=store.keys,
            index=index,
            embedder=embedder(),
            extractor=RuleBasedExtractor(),
            decider=RuleBasedDecider(),
            describer=NoDescriber(),
            projects=store.projects,
            webhooks=store.webhooks,
            deliveries=store.deliveries,
            touches=store.touches,
            subjects=store.subjects,
            archive=store.archive,
            erasures=store.erasures,
            remains=store.remains,
            wake_ups=LocalWakeUps(),
            now=now,
            new_id=new_id,
        )


@dataclass(frozen=True)
class OnlyProposing:
    """An index that does not know what its candidates are ranked by, as a remote one."""

    index: MemoryIndex

    def propose(self, project: str, queries: Sequence[IndexQuery]) -> list[Proposal]:
        plain = [replace(query, wants_evidence=False) for query in queries]
        return self.index.propose(project, plain)


@dataclass(frozen=True, kw_only=True)
class UseCases:
    """The use cases over the adapters of some edition."""

    ports: Ports
    clock: Clock
    name_of: Callable[[str], str] = str
    """What a project is called here, where many tests may share the tables."""

    def having(self, **ports: Any) -> Self:  # noqa: ANN401 - any port
        """Return the same service with other adapters behind these ports."""
        return replace(self, ports=replace(self.ports, **ports))

    @cached_property
    def find(self) -> FindCandidates:
        ports = self.ports
        return FindCandidates(ports.index, ports.record, ports.outbox, ports.listing)

    @cached_property
    def gather(self) -> GatherEvidence:
        ports = self.ports
        neighbours = FindNeighbours(ports.record, ports.scopes)
        origins = FindOrigins(ports.episodes, ports.now)
        return GatherEvidence(self.find, ports.record, neighbours, origins, ports.embedder, THREADS)

    @cached_property
    def work(self) -> WorkOnJobs:
        ports = self.ports
        return WorkOnJobs(
            ports.jobs, ports.record, ports.wake_ups, ports.now, ports.new_id, ports.is_late
        )

    @cached_property
    def decide(self) -> DecideDrafts:
        ports = self.ports
        return DecideDrafts(
            ports.scopes, ports.embedder, ports.decider, self.find, ports.now, ports.new_id
        )

    @cached_property
    def add(self) -> AddMemories:
        ports = self.ports
        return AddMemories(
            ports.record,
            self.work,
            self.read_messages,
            self.decide,
            ports.projects,
            ports.wake_ups,
            ports.now,
            has_graph=True,
        )

    @cached_property
    def read_messages(self) -> ReadMessages:
        ports = self.ports
        recent = RecentMessages(ports.episodes, ports.jobs, ports.record, ports.now)
        return ReadMessages(ports.scopes, ports.extractor, ports.describer, recent)

    @cached_property
    def search(self) -> SearchMemories:
        ports = self.ports
        search_graph = SearchGraph(ports.entities, ports.graph_store, ports.graph, ports.record)
        return SearchMemories(
            ports.embedder,
            self.gather,
            ports.record,
            search_graph,
            ports.projects,
            ports.touches,
            ports.rerank,
            THREADS,
            ports.now,
        )

    @cached_property
    def list(self) -> ListMemories:
        return ListMemories(self.ports.listing, self.ports.now)

    @cached_property
    def read(self) -> ReadMemory:
        return ReadMemory(self.ports.record, self.ports.episodes, self.ports.now)

    @cached_property
    def subjects(self) -> ListSubjects:
        return ListSubjects(self.ports.listing)

    @cached_property
    def read_job(self) -> ReadJob:
        return ReadJob(self.ports.jobs)

    @cached_property
    def update(self) -> UpdateMemory:
        ports = self.ports
        return UpdateMemory(
            ports.record,
            ports.embedder,
            ports.projects,
            ports.wake_ups,
            ports.now,
            ports.new_id,
        )

    @cached_property
    def read_project(self) -> ReadProject:
        return ReadProject(self.ports.projects)

    @cached_property
    def change_project(self) -> ChangeProject:
        return ChangeProject(self.ports.projects)

    @cached_property
    def delete(self) -> DeleteMemory:
        ports = self.ports
        return DeleteMemory(ports.record, ports.wake_ups, ports.now, ports.new_id)

    @cached_property
    def update_batch(self) -> UpdateBatch:
        ports = self.ports
        return UpdateBatch(
            ports.record, ports.embedder, ports.projects, self.work, ports.wake_ups, ports.now
        )

    @cached_property
    def delete_batch(self) -> DeleteBatch:
        ports = self.ports
        return DeleteBatch(ports.record, self.work, ports.wake_ups, ports.now)

    @cached_property
    def export(self) -> ExportMemories:
        ports = self.ports
        return ExportMemories(ports.listing, ports.record, self.work, ports.ask, ports.now)

    @cached_property
    def read_export(self) -> ReadExport:
        return ReadExport(self.ports.jobs)

    @cached_property
    def summarise(self) -> SummariseMemories:
        return SummariseMemories(self.ports.listing, self.ports.ask, self.ports.now)

    @cached_property
    def list_jobs(self) -> ListJobs:
        return ListJobs(self.ports.jobs)

    @cached_property
    def delete_all(self) -> DeleteMemories:
        ports = self.ports
        return DeleteMemories(
            ports.record,
            ports.episodes,
            self.work,
            self.wipe,
            self.erase_graph,
            self.end_project,
            ports.now,
        )

    @cached_property
    def wipe(self) -> WipeMemories:
        ports = self.ports
        return WipeMemories(
            ports.record, ports.listing, self.work, self.erase_graph, ports.wake_ups, ports.now
        )

    @cached_property
    def empty_jobs(self) -> EmptyJobs:
        ports = self.ports
        return EmptyJobs(ports.jobs, ports.record, ports.remains, ports.now)

    @cached_property
    def find_remains(self) -> FindRemains:
        ports = self.ports
        return FindRemains(
            ports.record,
            ports.listing,
            ports.archive,
            ports.remains,
            ports.outbox,
            lambda: ports.index,
            lambda: ports.embedder.dimensions,
            ports.graph,
            ports.graph_outbox,
            self.empty_jobs,
        )

    @cached_property
    def erase(self) -> EraseSubject:
        ports = self.ports
        return EraseSubject(
            ports.record,
            ports.episodes,
            ports.erasures,
            ports.remains,
            self.work,
            self.wipe,
            self.erase_graph,
            self.empty_jobs,
            self.find_remains,
            ports.now,
            BACKUPS_KEPT,
        )

    @cached_property
    def reapply(self) -> ReapplyErasures:
        ports = self.ports
        return ReapplyErasures(ports.keys, ports.subjects, ports.erasures, self.erase)

    @cached_property
    def end_project(self) -> EndProject:
        ports = self.ports
        return EndProject(
            ports.subjects,
            ports.episodes,
            ports.erasures,
            ports.archive,
            ports.remains,
            self.empty_jobs,
            self.erase_graph,
            self.change_project,
            ports.keys,
            ports.webhooks,
            ports.now,
            ports.is_late,
        )

    @cached_property
    def create_project(self) -> CreateProject:
        ports = self.ports
        create_key = CreateKey(
            ports.keys, ports.projects, ports.now, ports.new_id, lambda: f"m0-{ports.new_id()}"
        )
        return CreateProject(ports.projects, self.change_project, create_key, ports.new_id)

    @cached_property
    def describe_subject(self) -> DescribeSubject:
        return DescribeSubject(self.ports.subjects, self.ports.now)

    @cached_property
    def count_memories(self) -> CountMemories:
        return CountMemories(self.ports.listing)

    @cached_property
    def list_histories(self) -> ListHistories:
        return ListHistories(self.ports.listing, self.ports.record)

    @cached_property
    def erase_graph(self) -> EraseGraph:
        ports = self.ports
        return EraseGraph(ports.graph, ports.listing, ports.wake_ups, ports.now)

    @cached_property
    def write_graph(self) -> WriteGraph:
        ports = self.ports
        resolve = ResolveEntities(ports.graph, ports.graph_outbox, ports.entities, ports.embedder)
        return WriteGraph(
            ports.graph,
            ports.graph_outbox,
            ports.record,
            ports.graph_reader,
            resolve,
            ports.wake_ups,
            ports.now,
            ports.is_late,
        )

    @cached_property
    def project_graph(self) -> ProjectGraph:
        ports = self.ports
        return ProjectGraph(
            ports.graph,
            ports.graph_outbox,
            ports.graph_store,
            ports.entities,
            ports.wake_ups,
            ports.is_late,
        )

    @cached_property
    def follow_graph(self) -> FollowGraph:
        return FollowGraph(self.ports.graph, self.ports.graph_outbox, self.ports.record)

    @cached_property
    def project_changes(self) -> ProjectChanges:
        ports = self.ports
        announce = AnnounceChanges(
            ports.webhooks, ports.deliveries, ports.record, ports.wake_ups, ports.now
        )
        return ProjectChanges(ports.outbox, ports.record, ports.index, announce)

    @cached_property
    def maintain(self) -> Maintain:
        ports = self.ports
        return Maintain(
            ports.outbox,
            ports.graph_outbox,
            ports.jobs,
            ports.episodes,
            ports.wake_ups,
            self.work,
            RemoveExpired(ports.record, ports.wake_ups, ports.now, ports.new_id),
            ports.now,
            ports.deliveries,
        )

    @cached_property
    def ingest_object(self) -> IngestObject:
        ports = self.ports
        return IngestObject(
            objects=ports.objects,
            jobs=ports.jobs,
            record=ports.record,
            keys=ports.keys,
            work=self.work,
            add=self.add,
            now=ports.now,
        )

    @cached_property
    def carry_on(self) -> CarryOn:
        resume: Mapping[type[JobRequest], Callable[[Job], Job | None]] = {
            AddRequest: self.add.resume,
            DeleteAllRequest: self.delete_all.resume,
            BatchUpdateRequest: self.update_batch.resume,
            BatchDeleteRequest: self.delete_batch.resume,
            ExportRequest: self.export.resume,
            EraseRequest: self.erase.resume,
            IngestRequest: self.ingest_object.resume,
        }
        return CarryOn(self.ports.jobs, resume)

    def drive_on(self, **options: Any) -> int:  # noqa: ANN401 - as of `Maintain`
        """Maintain, and work on the jobs that wait then; return how much was driven on."""
        driven_on = self.maintain(**options)
        self.work_off()
        return driven_on

    def work_off(self) -> int:
        """Work on the jobs that wait now, once each; return how many it was."""
        lanes = self.ports.wake_ups.jobs
        waiting = len(lanes)
        for _ in range(waiting):
            with lanes.next() as job:
                assert job is not None
                self.carry_on(*job)
        return waiting

    def open_project(self, project: str) -> str:
        """Make the project, as its first key does; return its name."""
        name = self.name_of(project)
        self.ports.keys.create(name, a_key(name), key_hash=f"hash of {name}'s key")
        return name

    def new_scope(self, project: str = "acme", **names: str) -> Scope:
        """Return a scope of a project that is there."""
        return a_scope(self.open_project(project), **names)

    def say(
        self,
        scope: Scope,
        *texts: str,
        infer: bool = False,
        key: IdempotencyKey | None = None,
        **options: Any,  # noqa: ANN401 - whatever an AddRequest has
    ) -> Job:
        """Add what a user said, verbatim unless told otherwise."""
        messages = tuple(Message("user", text) for text in texts)
        request = AddRequest(scope=scope, messages=messages, infer=infer, **options)
        return self.add(request, key)

    def remember(self, scope: Scope, text: str, **options: Any) -> Memory:  # noqa: ANN401 - as above
        """Add one text and return its memory."""
        [outcome] = self.say(scope, text, **options).outcomes
        return self.read(scope.project, outcome.memory_id)

    def listed(self, scope: Scope, **options: Any) -> tuple[Memory, ...]:  # noqa: ANN401 - as above
        """List the memories of the scope's owner, last created first."""
        matching = subject_is(scope.owner)
        return self.list(scope.project, matching, page_size=200, **options).memories

    def found(self, scope: Scope, query: str, *, limit: int = 1_000) -> tuple[Found, ...]:
        """Search the memories of the scope's owner, however badly they fit."""
        matching = subject_is(scope.owner)
        return self.search(scope.project, query, matching, limit=limit, threshold=0.0).found

    def index_all(self, scope: Scope) -> int:
        """Run the projector for the scope's subjects."""
        keys = [subject.key for subject in scope.subjects]
        return self.project_changes(scope.project, keys)


@dataclass(frozen=True, kw_only=True)
class Service(UseCases):
    """The use cases over one data file."""

    store: LocalStore


def a_service(
    path: Path, clock: Clock | None = None, ids: Callable[[], str] | None = None
) -> Service:
    """Return the service over the data file, made if it is missing."""
    store = LocalStore(path, embedding_model=embedder().model, resident_bytes=RESIDENT_BYTES)
    store.open()
    clock = clock or Clock()
    ports = Ports.over(store, store.index, clock, ids or Ids())
    return Service(store=store, ports=ports, clock=clock)
