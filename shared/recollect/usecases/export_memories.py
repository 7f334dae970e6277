"""Saying what memories know in the shape of a caller's schema, under a job."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from typing import NoReturn

from recollect.domain.answer_schemas import AnswerSchema
from recollect.domain.errors import (
    ConflictError,
    InvalidRequestError,
    ModelAnswerError,
    NotFoundError,
    UnavailableError,
)
from recollect.domain.filters import is_scoped, parse_filter
from recollect.domain.guidance import MAX_WISH_LENGTH
from recollect.domain.jobs import IdempotencyKey, Job, JobStatus
from recollect.domain.memory import Json
from recollect.domain.requests import ExportRequest
from recollect.ports.jobs import Jobs
from recollect.ports.models import Form, PromptTurn
from recollect.ports.record import Change, Listing, Record
from recollect.usecases.asking import AskModel, OutOfTimeError
from recollect.usecases.prompts import Prompt, as_data, shipped
from recollect.usecases.read_jobs import last_jobs
from recollect.usecases.telling_memories import fenced, told_memories
from recollect.usecases.thoughts import usage_notes
from recollect.usecases.work_on_jobs import WorkOnJobs

MOST_LOOKED_AT = 1_000
"""A project's last jobs, among which the latest export of some filters is looked for."""

OF_FORM = ("type", "properties", "required")
"""Some models take no other keys at the top of a schema."""


@dataclass(frozen=True)
class ExportMemories:
    """Have a language model fill in a caller's form with what memories say, newest first.

    One call, and one more if its answer is not of the schema. Repeating it writes nothing but the
    job's result. What does not fit into a call is left out, and the job's notes say so.
    """

    listing: Listing
    record: Record
    work: WorkOnJobs
    ask: Callable[[], AskModel | None]
    """None without a language model; asked for when there is something to export."""
    now: Callable[[], datetime]

    def __call__(self, request: ExportRequest, key: IdempotencyKey | None = None) -> Job:
        """Return the finished job, or the earlier job of the same key.

        It is PENDING if the time was up; maintenance carries it on then. Raises
        `InvalidRequestError` before anything is stored if there is no language model, the schema
        cannot be kept to, or the filters name no subject, and `IdempotencyMismatchError`; after it
        has failed `InvalidRequestError` when the model refuses, `ModelAnswerError` when both of
        its answers are not of the schema, and `UnavailableError`.
        """
        _check(request)
        self._model()
        return self.work.start(request, key, self._carry_out)

    def resume(self, job: Job) -> Job | None:
        """Finish a job that failed or was abandoned; None if it is done or in other hands."""
        return self.work.resume(job, partial(self._carry_out, is_awaited=False))

    def _carry_out(self, job: Job, *, is_awaited: bool = True) -> Job:
        if not isinstance(job.request, ExportRequest):
            raise TypeError(type(job.request))
        try:
            done = self._exported(job, job.request)
        except OutOfTimeError:
            return self.work.hand_over(job)
        except (UnavailableError, ModelAnswerError) as error:
            if is_awaited:
                raise
            return self.work.put_off(job, error)
        self.record.commit(job.project, Change(at=self.now(), job=done))
        return done

    def _exported(self, job: Job, request: ExportRequest) -> Job:
        ask, schema = self._model(), AnswerSchema.of(request.schema)
        matching, now = parse_filter(request.filters), self.now()
        told = told_memories(self.listing, job.project, matching, now=now)
        prompt = Prompt.of(
            "export", shipped("export"), _wishes(request.instructions), shipped("export_form")
        )
        turn = PromptTurn("user", f"{as_data({'now': _minute(now)})}\n{fenced(told.lines)}")
        result, usage = ask.fill(prompt.text, turn, _form(schema), partial(_read, schema))
        notes: dict[str, Json] = {
            **usage_notes(usage),
            "extractor": ask.model.model,
            "is_model": True,
            "prompts": [prompt.version],
            "memories": len(told.lines),
            "is_cut": told.is_cut,
        }
        return replace(
            job,
            status=JobStatus.SUCCEEDED,
            completed_at=self.now(),
            result=result,
            notes=notes,
        )

    def _model(self) -> AskModel:
        ask = self.ask()
        if ask is None:
            message = "Exports are written by a language model, and this service has none"
            raise InvalidRequestError(message)
        return ask


@dataclass(frozen=True)
class ReadExport:
    """Read what an export came to."""

    jobs: Jobs

    def __call__(self, project: str, export_id: str) -> Job:
        """Return the export's job, which may be under way.

        Raises `NotFoundError`, and `ConflictError` if it has failed.
        """
        return _readable(self.jobs.get(project, export_id))

    def latest(self, project: str, filters: Mapping[str, Json]) -> Job:
        """Return the job of the last export of the same filters, however they were written.

        It is looked for among the project's last `MOST_LOOKED_AT` jobs. Raises as a read by id.
        """
        wanted = parse_filter(filters)
        same = (
            job
            for job in islice(last_jobs(self.jobs, project), MOST_LOOKED_AT)
            if isinstance(job.request, ExportRequest)
            and parse_filter(job.request.filters) == wanted
        )
        return _readable(next(same, None))


def _readable(job: Job | None) -> Job:
    if job is None or not isinstance(job.request, ExportRequest):
        message = "No memory export request found"
        raise NotFoundError(message)
    if job.status is JobStatus.FAILED:
        message = f"This export has failed, and must be requested again: {job.error}"
        raise ConflictError(message)
    return job


def _check(request: ExportRequest) -> None:
    AnswerSchema.of(request.schema)
    if len(request.instructions) > MAX_WISH_LENGTH:
        message = f"export_instructions must have at most {MAX_WISH_LENGTH} characters"
        raise InvalidRequestError(message)
    if not is_scoped(parse_filter(request.filters)):
        message = "One of the filters: app_id, user_id, agent_id, run_id is required!"
        raise InvalidRequestError(message)


def _wishes(instructions: str) -> str:
    title = "# Wishes, which go before the rules above"
    return f"{title}\n\n{instructions}" if instructions.strip() else ""


def _minute(time: datetime) -> str:
    return time.isoformat(timespec="minutes")


def _form(schema: AnswerSchema) -> Form:
    kept = {key: told for key, told in schema.plain.items() if key in OF_FORM}
    return Form(name="export_memories", purpose="Write down what the memories say.", schema=kept)


def _read(schema: AnswerSchema, text: str) -> Json:
    """Return the object of an answer; raise `ValueError` unless it is of the schema."""
    try:
        value: Json = json.loads(text, parse_constant=_no_number)
        # Halves of surrogate pairs cannot be stored, nor sent to anybody.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except json.JSONDecodeError as error:
        message = f"it is not JSON: {error.msg} at character {error.pos}"
        raise ValueError(message) from None
    except RecursionError:
        message = "it is nested too deeply"
        raise ValueError(message) from None
    except UnicodeEncodeError:
        message = "it contains half of a surrogate pair"
        raise ValueError(message) from None
    if problem := schema.problem_of(value):
        raise ValueError(problem)
    return value


def _no_number(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)
