"""The AWS edition's record: two tables and a bucket behind the record's ports."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from recollect.adapters.aws.archive import DynamoArchive
from recollect.adapters.aws.dynamodb import Table
from recollect.adapters.aws.episodes import DynamoEpisodes, EpisodeItems
from recollect.adapters.aws.erasure import DynamoErasures, Marks, Stamps
from recollect.adapters.aws.graph import DynamoGraph
from recollect.adapters.aws.graph_outbox import DynamoGraphOutbox
from recollect.adapters.aws.job_items import JobItems
from recollect.adapters.aws.jobs import DynamoJobs
from recollect.adapters.aws.listing import DynamoListing
from recollect.adapters.aws.objects import Objects
from recollect.adapters.aws.outbox import DynamoOutbox
from recollect.adapters.aws.projects import DynamoKeys, DynamoSettings, ProjectSecrets
from recollect.adapters.aws.record import DynamoRecord
from recollect.adapters.aws.remains import DynamoRemains
from recollect.adapters.aws.scopes import DynamoScopes
from recollect.adapters.aws.subject_items import SubjectItems
from recollect.adapters.aws.subjects import DynamoSubjects
from recollect.adapters.aws.touches import DynamoTouches
from recollect.adapters.aws.usage import DynamoUsage
from recollect.adapters.aws.vectors import DynamoVectors
from recollect.adapters.aws.webhooks import DynamoDeliveries, DynamoWebhooks

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, kw_only=True)
class DynamoStore:
    """What is built of two tables, a bucket, a clock and a source of unique tokens.

    `settling` is how long the index may take to show what it has confirmed. `embedding_model`
    names the model whose vector is read where a memory has those of several: while vectors are
    exchanged, and only then is it asked for.
    """

    dynamodb: "DynamoDBClient"
    s3: "S3Client"
    record_table: str
    control_table: str
    bucket: str
    now: Callable[[], datetime]
    new_token: Callable[[], str]
    settling: timedelta
    embedding_model: Callable[[], str] = lambda: ""

    @cached_property
    def record(self) -> DynamoRecord:
        """The record itself."""
        return DynamoRecord(
            self._table,
            self._secrets,
            self._subject_items,
            self._job_items,
            EpisodeItems(self._objects),
            self.now,
            self.new_token,
            self.embedding_model,
        )

    @cached_property
    def episodes(self) -> DynamoEpisodes:
        """The messages of adds."""
        return DynamoEpisodes(self._table, self._objects)

    @cached_property
    def vectors(self) -> DynamoVectors:
        """Vectors of several models."""
        return DynamoVectors(self._table, self.embedding_model)

    @cached_property
    def scopes(self) -> DynamoScopes:
        """Clocks, turns and texts of scopes."""
        return DynamoScopes(self._table, self._secrets)

    @cached_property
    def listing(self) -> DynamoListing:
        """Lists of memories and subjects."""
        return DynamoListing(self._table, self.record)

    @cached_property
    def subjects(self) -> DynamoSubjects:
        """What is said of subjects."""
        return DynamoSubjects(self._table, self._subject_items, self.listing)

    @cached_property
    def archive(self) -> DynamoArchive:
        """What only exports read."""
        return DynamoArchive(self._table, self.episodes)

    @cached_property
    def _subject_items(self) -> SubjectItems:
        return SubjectItems(self._table, Marks(self._control), self._stamps)

    @cached_property
    def erasures(self) -> DynamoErasures:
        """Whom to remember nothing of."""
        return DynamoErasures(Marks(self._control), self._stamps, self.episodes)

    @cached_property
    def remains(self) -> DynamoRemains:
        """What is left of what was deleted."""
        return DynamoRemains(
            self._table,
            self.episodes,
            self.touches,
            self._job_items,
            self._subject_items,
            self.erasures,
        )

    @cached_property
    def _stamps(self) -> Stamps:
        return Stamps(self._table, self.new_token)

    @cached_property
    def outbox(self) -> DynamoOutbox:
        """What the index has not confirmed."""
        return DynamoOutbox(self._table, self.now, self.settling)

    @cached_property
    def graph(self) -> DynamoGraph:
        """What memories speak of."""
        return DynamoGraph(self._table, self.new_token)

    @cached_property
    def graph_outbox(self) -> DynamoGraphOutbox:
        """What the graph has yet to follow."""
        return DynamoGraphOutbox(self._table, self.now, self.new_token, self.settling)

    @cached_property
    def jobs(self) -> DynamoJobs:
        """Jobs."""
        return DynamoJobs(self._table, self._job_items, self.new_token)

    @cached_property
    def keys(self) -> DynamoKeys:
        """API keys."""
        return DynamoKeys(self._control, self._secrets, self.new_token)

    @cached_property
    def projects(self) -> DynamoSettings:
        """What projects set for themselves."""
        return DynamoSettings(self._control)

    @cached_property
    def webhooks(self) -> DynamoWebhooks:
        """Whom projects tell of changes."""
        return DynamoWebhooks(self._control)

    @cached_property
    def deliveries(self) -> DynamoDeliveries:
        """What is told to them."""
        return DynamoDeliveries(self._control, self.new_token)

    @cached_property
    def usage(self) -> DynamoUsage:
        """What keys use."""
        return DynamoUsage(self._control)

    @cached_property
    def touches(self) -> DynamoTouches:
        """When searches showed memories."""
        return DynamoTouches(self._control)

    @cached_property
    def _table(self) -> Table:
        return Table(self.dynamodb, self.record_table)

    @cached_property
    def _control(self) -> Table:
        return Table(self.dynamodb, self.control_table)

    @cached_property
    def _objects(self) -> Objects:
        return Objects(self.s3, self.bucket)

    @cached_property
    def _secrets(self) -> ProjectSecrets:
        return ProjectSecrets(self._control)

    @cached_property
    def _job_items(self) -> JobItems:
        return JobItems(self._objects)
