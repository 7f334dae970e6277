"""What the numbers of a report mean, and how two reports are compared."""

import numpy as np
import pytest

from recollect.domain.errors import InvalidRequestError
from recollect.ports.models import Usage
from recollect.usecases.evaluation.comparing import compare
from recollect.usecases.evaluation.report import CUTS, Judging, Report
from recollect.usecases.evaluation.statistics import differences, estimates, separation
from tests.unit.usecases.evaluation.reports import a_report, a_result

MANY = 400


def test_recall_is_the_share_of_the_evidence_and_its_mean_that_over_questions() -> None:
    found = [
        a_result(1, evidence=4, ranks=(1, 5, 6)),
        a_result(2, ranks=(30,)),
        a_result(3, ranks=(), best_score=None),
    ]

    overall = a_report(found).overall

    assert overall.questions == 3
    assert [overall.recall[cut].mean for cut in CUTS] == pytest.approx(
        [0.5 / 3, 0.75 / 3, 0.75 / 3, 1.75 / 3], abs=1e-4
    )
    assert [overall.all_evidence[cut].mean for cut in CUTS] == pytest.approx(
        [0, 0, 0, 1 / 3], abs=1e-4
    )


def test_groups_come_by_name_and_only_measured_questions_are_in_them() -> None:
    found = [
        a_result(1, category="2", conversation="b"),
        a_result(2, category="1", conversation="a", ranks=()),
        a_result(3, category="5", is_answerable=False),
        a_result(4, category="1", evidence=0, ranks=()),
    ]

    report = a_report(found)

    assert [(each.name, each.recall[5].mean) for each in report.categories] == [("1", 0), ("2", 1)]
    assert [each.name for each in report.conversations] == ["a", "b"]
    assert (report.counts.unanswerable, report.counts.without_evidence) == (1, 1)
    assert (report.counts.questions, report.overall.questions) == (4, 2)


def test_without_evidence_there_is_no_report() -> None:
    with pytest.raises(InvalidRequestError, match="None of the questions has evidence"):
        a_report([a_result(evidence=0, ranks=())])


def test_an_interval_is_that_of_the_normal_distribution_for_many_questions() -> None:
    values = np.random.default_rng(3).random((MANY, 1))

    [found] = estimates(values)

    assert found.low is not None
    assert found.high is not None
    half = 1.96 * values.std() / np.sqrt(MANY)
    assert found.mean == pytest.approx(values.mean(), abs=1e-4)
    assert found.low == pytest.approx(values.mean() - half, abs=half / 8)
    assert found.high == pytest.approx(values.mean() + half, abs=half / 8)
    assert estimates(values) == [found]


def test_one_question_has_no_interval() -> None:
    [found] = estimates(np.array([[0.5]]))

    assert (found.mean, found.low, found.high) == (0.5, None, None)


def test_separation_is_the_area_under_the_curve() -> None:
    assert separation(np.array([3.0, 4.0]), np.array([1.0, 2.0])) == 1.0
    assert separation(np.array([1.0]), np.array([1.0])) == 0.5
    assert separation(np.array([1.0, 3.0]), np.array([2.0, 3.0])) == 0.375


def test_scores_tell_the_answerable_from_the_others() -> None:
    found = [
        a_result(1, best_score=0.8),
        a_result(2, best_score=0.6),
        a_result(3, best_score=None, is_answerable=False),
        a_result(4, best_score=0.7, is_answerable=False),
    ]

    scores = a_report(found).scores

    assert (scores.answerable.median, scores.separation) == (0.7, 0.75)
    assert scores.unanswerable is not None
    assert (scores.unanswerable.questions, scores.unanswerable.third_quartile) == (2, 0.525)


def test_without_unanswerable_questions_nothing_is_said_of_them() -> None:
    report = a_report([a_result()])

    assert (report.scores.unanswerable, report.scores.separation) == (None, None)
    assert report.thresholds[0].reached_wrongly is None


def test_a_threshold_is_told_by_what_reaches_it() -> None:
    found = [
        a_result(1, best_score=0.9),
        a_result(2, best_score=0.7, ranks=(11,)),
        a_result(3, best_score=0.3),
        a_result(4, best_score=0.75, is_answerable=False),
        a_result(5, best_score=0.2, is_answerable=False),
    ]

    thresholds = {each.threshold: each for each in a_report(found).thresholds}

    assert (thresholds[0.1].reached, thresholds[0.1].precision) == (1.0, 0.4)
    assert thresholds[0.6].reached == 0.6667
    assert thresholds[0.6].reached_wrongly == 0.5
    assert thresholds[0.6].precision == 0.3333
    assert thresholds[0.9].precision == 1.0
    assert a_report([a_result()]).thresholds[-1].precision is None


def test_latency_and_what_went_wrong_are_told() -> None:
    found = [a_result(each, milliseconds=each, is_degraded=each < 3) for each in range(1, 102)]

    report = a_report(found)

    assert (report.latency.median, report.latency.p95) == (51, 96)
    assert (report.counts.degraded, report.counts.cut, report.counts.turns) == (2, 1, 30)


def test_answers_are_counted_by_category() -> None:
    judging = Judging(model="toy", usage=Usage(8, 90, 7), failed=1)
    found = [
        a_result(1, is_right=True),
        a_result(2, is_right=False),
        a_result(3, is_right=True, category="boats"),
        a_result(4),
    ]

    answers = a_report(found, judging).answers

    assert answers is not None
    assert answers.overall is not None
    assert (answers.overall.questions, answers.overall.accuracy.mean) == (3, 0.6667)
    assert [(each.name, each.accuracy.mean) for each in answers.categories] == [
        ("boats", 1.0),
        ("pets", 0.5),
    ]
    assert (answers.model, answers.failed) == ("toy", 1)
    assert (answers.calls, answers.input_tokens, answers.output_tokens) == (8, 90, 7)


def test_without_any_judgement_there_is_no_accuracy() -> None:
    answers = a_report([a_result()], Judging(model="toy", usage=Usage(), failed=1)).answers

    assert answers is not None
    assert (answers.overall, answers.categories) == (None, ())


def test_a_report_comes_back_from_its_file() -> None:
    report = a_report([a_result(1), a_result(2, ranks=(), best_score=None)])

    assert Report.model_validate_json(report.model_dump_json()) == report


# Comparing.


def test_a_difference_is_of_the_same_questions() -> None:
    before = a_report([a_result(each, ranks=(each % 10 + 1,)) for each in range(MANY)])
    after = a_report([a_result(each, ranks=(each % 10 // 2 + 1,)) for each in range(1, MANY + 1)])

    found = compare(before, after)

    at_5, at_10, *_ = found.compared
    assert (found.questions, found.alone) == (MANY - 1, 2)
    assert at_5.measure == "recall@5"
    assert at_5.after == 1.0
    assert at_5.difference.mean == pytest.approx(0.5, abs=0.01)
    assert at_5.difference.low > 0.4
    assert at_5.difference.p == pytest.approx(2 / 2001, abs=1e-4)
    assert (at_10.difference.mean, at_10.difference.p) == (0, 1)


def test_chance_is_told_as_such() -> None:
    random = np.random.default_rng(5)
    before, after = (random.integers(2, size=(MANY, 1)).astype(float) for _ in range(2))

    [found] = differences(before, after)

    assert found.low < found.mean < found.high
    assert found.low < 0 < found.high
    assert found.p > 0.05


def test_one_question_shows_no_difference() -> None:
    with pytest.raises(ValueError, match="At least 2 questions"):
        differences(np.array([[0.0]]), np.array([[1.0]]))


def test_only_the_same_data_is_compared() -> None:
    first = a_report([a_result(1), a_result(2)])

    with pytest.raises(InvalidRequestError, match="different data"):
        compare(first, a_report([a_result(1), a_result(2)], digest="d2"))
    with pytest.raises(InvalidRequestError, match="fewer than 2 questions in common"):
        compare(first, a_report([a_result(2), a_result(3)]))
