"""Which memories a caller asks for: the filter language, and how it is decided on one memory."""

from recollect.domain.filters.conditions import (
    Unexpired,
    created_between,
    in_scope,
    is_scoped,
    of_one_subject,
    of_subjects,
    subject_is,
)
from recollect.domain.filters.logic import EVERYTHING, Filter, Within, both
from recollect.domain.filters.parse import parse_filter

__all__ = [
    "EVERYTHING",
    "Filter",
    "Unexpired",
    "Within",
    "both",
    "created_between",
    "in_scope",
    "is_scoped",
    "of_one_subject",
    "of_subjects",
    "parse_filter",
    "subject_is",
]
