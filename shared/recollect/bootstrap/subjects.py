"""The use cases around subjects, and all that a project has."""

from recollect.bootstrap import stores
from recollect.bootstrap.chance import now
from recollect.bootstrap.configuration import once
from recollect.usecases.describe_subjects import DescribeSubject
from recollect.usecases.read_subjects import ReadSubjects
from recollect.usecases.take_stock import CountMemories, ListHistories


@once
def read_subjects() -> ReadSubjects:
    """Return the use case behind entities that are not listed in pages."""
    return ReadSubjects(stores.store().listing)


@once
def describe_subject() -> DescribeSubject:
    """Return the use case that keeps what is said of a subject."""
    return DescribeSubject(stores.store().subjects, now)


@once
def count_memories() -> CountMemories:
    """Return the use case behind statistics."""
    return CountMemories(stores.store().listing)


@once
def list_histories() -> ListHistories:
    """Return the use case behind lists of what happened."""
    return ListHistories(stores.store().listing, stores.store().record)
