"""What must be true at the end of a soak, whatever happened meanwhile."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recollect.domain.jobs import Job, JobStatus
from recollect.domain.memory import HistoryAction, Memory
from recollect.domain.object_keys import ObjectKey
from recollect.domain.requests import AddRequest
from recollect.ports.jobs import Jobs
from recollect.ports.letters import Letter, QueueName
from recollect.ports.record import Listing, Record
from recollect.usecases.walking import pages
from tests.soak.load import CLASH, PROJECT, WORD, Load, Stored

MOST_JOBS = 100_000


@dataclass(frozen=True)
class Ending:
    """What an edition has when all is done; `report_on` returns the report on an object."""

    listing: Listing
    jobs: Jobs
    record: Record
    letters: Mapping[QueueName, Collection[Letter]]
    report_on: Callable[[Stored], Mapping[str, Any]]

    def check(self, load: Load) -> None:
        """See that everything good is remembered once, and everything bad told with its reason."""
        self.assert_all_jobs_have_ended()
        lost = self.assert_the_bad_is_buried(load)
        self.assert_each_text_is_remembered_once(load, lost)
        for stored in load.objects:
            self.assert_it_is_reported(stored)

    def assert_all_jobs_have_ended(self) -> None:
        """See that nothing waits or is in hand, and that nothing good has failed."""
        jobs = self.jobs.recent(PROJECT, limit=MOST_JOBS)
        statuses = Counter(job.status for job in jobs)
        assert set(statuses) <= {JobStatus.SUCCEEDED, JobStatus.FAILED}, statuses
        assert not [job.error for job in jobs if is_failed_add(job)]

    def assert_each_text_is_remembered_once(self, load: Load, lost: Collection[str]) -> None:
        """See that there is one memory for each text, equal to it, with one event; and no other."""
        expected = {word: text for word, text in load.expected.items() if word not in lost}
        found = Counter(word_of(memory.text) for memory in self.memories())
        assert found.keys() - expected.keys() == set(), "what nobody said is remembered"
        assert expected.keys() - found.keys() == set(), "something is lost"
        assert {word for word, times in found.items() if times > 1} == set(), "something is twice"
        for memory in self.memories():
            text = expected[word_of(memory.text)]
            assert text in {None, memory.text}
            [event] = self.record.history(PROJECT, memory.id)
            assert (event.action, event.new_text) == (HistoryAction.ADD, memory.text)

    def memories(self) -> Sequence[Memory]:
        """Return all memories."""
        return [memory for page in pages(self.listing, PROJECT) for memory in page]

    def assert_the_bad_is_buried(self, load: Load) -> set[str]:
        """See that each bad message has a letter with its reason; return words that are in one."""
        reasons = {each.message: each.reason for each in self.letters[QueueName.INGEST]}
        for sent in load.messages:
            assert (sent.body in reasons) == bool(sent.reason), sent
            assert sent.reason in reasons.get(sent.body, ""), (sent, reasons[sent.body])
        bodies = {sent.body for sent in load.messages}
        assert reasons.keys() - bodies == self.assert_one_of_each_rivals(load, reasons)
        return {word_of(body) for body in reasons.keys() - bodies}

    def assert_one_of_each_rivals(self, load: Load, reasons: Mapping[str, str]) -> set[str]:
        """See that one of each pair is buried; return these."""
        buried = set()
        for pair in load.rivals:
            [body] = [sent.body for sent in pair if sent.body in reasons]
            assert CLASH in reasons[body]
            buried.add(body)
        return buried

    def assert_it_is_reported(self, stored: Stored) -> None:
        """See that an object's report counts what is bad, or that it is buried with its reason."""
        if stored.reason:
            letters = [*self.letters[QueueName.OBJECTS], *self.letters[QueueName.WORKER]]
            told = [each.reason for each in letters]
            assert [reason for reason in told if stored.reason in reason], (stored, told)
            return
        report = self.report_on(stored)
        assert report["bad"] == stored.bad, (stored.key, report)
        assert len(report["problems"]) == stored.bad
        assert all(problem["reason"] for problem in report["problems"])
        counts = report["conversations"]
        assert (counts["failed"], counts["open"]) == (0, 0)


def is_failed_add(job: Job) -> bool:
    return job.status is JobStatus.FAILED and isinstance(job.request, AddRequest)


def word_of(text: str) -> str:
    """Return the word by which what was said is known."""
    [word] = set(WORD.findall(text))
    return str(word)


def report_key(stored: Stored, version: str) -> str:
    """Return where the report on an object is."""
    return ObjectKey.of(stored.key).report(version)


def read_report(text: str | bytes) -> Mapping[str, Any]:
    """Return a report."""
    report: Mapping[str, Any] = json.loads(text)
    return report
