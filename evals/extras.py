"""Measures whether searches find more when something is done to the order of their results.

    python -m evals.extras FILE

FILE has conversations in the LoCoMo layout. The weights of the score are learned without the
conversation that is asked about, as `evals.ranking` does. How strong an extra is, is chosen on the
other conversations, with weights learned without that one as well. Writes
`evals/results/extras.json` and prints a table.
"""

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import service
from evals import extras_thresholds
from evals.extras_cases import Asked, gathered
from evals.extras_choice import Gain, chosen_elsewhere, gain
from evals.extras_orders import EXTRAS, Extra, Ranker, alone
from evals.ranking import learned
from recollect.domain.ranking import Floats

RESULTS = Path(__file__).parent / "results" / "extras.json"
CUTS = (5, 10, 20)
JUDGED = 10
"""Where an extra must find more: as many as a search shows unless it is told otherwise."""
LEVEL = 0.025 / len(EXTRAS)
"""The largest share of resamples that are not better of what counts as proven: whoever tries many
things finds one by chance that looks better (Bonferroni)."""
ALONE = Extra(alone, ())


def main() -> None:
    """Measure on the file that the command names, print the table and keep the numbers."""
    with tempfile.TemporaryDirectory() as folder:
        service.configure(Path(folder))
        asked = {
            way: list(gathered(Path(sys.argv[1]), has_names=has_names))
            for way, has_names in (("names_in_texts", True), ("no_names_in_texts", False))
        }
    rankers = Rankers([each for some in asked.values() for each in some])
    told = {
        **measured(asked, rankers),
        "thresholds": {
            way: extras_thresholds.told([each.case for each in some], rankers.without)
            for way, some in asked.items()
        },
    }
    RESULTS.write_text(json.dumps(told, indent=1) + "\n")
    print(table(told))


@dataclass(frozen=True)
class Rankers:
    """The score as it is learned without some conversations; each is learned once."""

    every: Sequence[Asked]
    _known: dict[frozenset[str], Ranker] = field(default_factory=dict)

    def without(self, left_out: frozenset[str]) -> Ranker:
        """Return the score that was learned on all the others."""
        if left_out not in self._known:
            cases = [each.case for each in self.every]
            self._known[left_out] = Ranker(
                *learned([case for case in cases if case.conversation not in left_out])
            )
        return self._known[left_out]


def measured(asked: Mapping[str, Sequence[Asked]], rankers: Rankers) -> dict[str, Any]:
    """Return what the ranker finds alone and with each extra, each way its texts are kept.

    The ways have the same questions in the same order.
    """
    trials = {way: Trial(_by_conversation(some), rankers) for way, some in asked.items()}
    usual = {way: each.recalls(ALONE, each.every(0.0)) for way, each in trials.items()}
    return {
        "alone": {
            way: {
                "questions": len(usual[way]),
                "recall": _means(usual[way]),
                "graph": _graph_told(trial),
            }
            for way, trial in trials.items()
        },
        "extras": {name: _tried(trials, extra, usual) for name, extra in EXTRAS.items()},
    }


@dataclass(frozen=True)
class Trial:
    """The answerable questions of each conversation, and the scores to try extras with."""

    asked: Mapping[str, Sequence[Asked]]
    rankers: Rankers

    def recalls(self, extra: Extra, strengths: Mapping[str, float]) -> Floats:
        """Return recall at each cut (columns) of each question, with strengths by conversation."""
        parts = [
            self.found(extra, strength, name, frozenset({name}))
            for name, strength in strengths.items()
        ]
        return np.concatenate(parts)

    def every(self, strength: float) -> dict[str, float]:
        """Return the same strength for each conversation."""
        return dict.fromkeys(self.asked, strength)

    def chosen(self, extra: Extra) -> dict[str, float]:
        """Return the strength for each conversation, chosen on the others."""

        def judged(strength: float, name: str, left_out: frozenset[str]) -> Floats:
            recalls: Floats = self.found(extra, strength, name, left_out)[:, CUTS.index(JUDGED)]
            return recalls

        return chosen_elsewhere(judged, list(self.asked), extra.strengths)

    def found(self, extra: Extra, strength: float, name: str, left_out: frozenset[str]) -> Floats:
        """Return recall at each cut of a conversation's questions, learned without some others."""
        ranker = self.rankers.without(left_out)
        return np.array(
            [
                [shown[:cut].sum() / each.case.evidence for cut in CUTS]
                for each in self.asked[name]
                for shown in [extra.find(ranker, each, strength)]
            ]
        )


def _by_conversation(asked: Sequence[Asked]) -> dict[str, list[Asked]]:
    groups: dict[str, list[Asked]] = {}
    for each in asked:
        if each.case.is_answerable:
            groups.setdefault(each.case.conversation, []).append(each)
    return groups


def _graph_told(trial: Trial) -> dict[str, int]:
    """Return of how many questions the graph knew something, and something that helps."""
    asked = [each for some in trial.asked.values() for each in some]
    return {
        "named_something": sum(each.relations > 0 for each in asked),
        "supported_a_candidate": sum(bool(each.support.any()) for each in asked),
        "supported_evidence": sum(
            bool(each.support[each.backed.is_evidence].any()) for each in asked
        ),
    }


def _tried(
    trials: Mapping[str, Trial], extra: Extra, usual: Mapping[str, Floats]
) -> dict[str, Any]:
    """Return what an extra finds, each way and as the mean of each question's ways."""
    chosen = {way: each.chosen(extra) for way, each in trials.items()}
    tested = {way: each.recalls(extra, chosen[way]) for way, each in trials.items()}
    both = _gain(*(np.mean([*each.values()], axis=0) for each in (usual, tested)))
    return {
        "ways": {
            way: {
                "chosen": {name: f"{strength:g}" for name, strength in chosen[way].items()},
                "recall": _means(tested[way]),
                "questions_changed": _changed(usual[way], tested[way]),
                **_gain(usual[way], tested[way]).told,
                "strengths": _of_strengths(trial, extra, usual[way]),
            }
            for way, trial in trials.items()
        },
        "both_ways": both.told,
        "is_proven": both.not_better <= LEVEL,
    }


def _of_strengths(trial: Trial, extra: Extra, usual: Floats) -> dict[str, Any]:
    """Return what each strength finds in all conversations.

    These flatter: whoever picks the best of them has seen all questions.
    """
    found = {each: trial.recalls(extra, trial.every(each)) for each in extra.strengths}
    return {
        f"{each:g}": {
            "recall": _means(recalls),
            "questions_changed": _changed(usual, recalls),
            **_gain(usual, recalls).told,
        }
        for each, recalls in found.items()
    }


def _changed(before: Floats, after: Floats) -> int:
    """Return of how many questions recall is another one at any cut."""
    return int((before != after).any(axis=1).sum())


def _gain(before: Floats, after: Floats) -> Gain:
    column = CUTS.index(JUDGED)
    return gain(before[:, column], after[:, column])


def _means(recalls: Floats) -> dict[str, float]:
    return dict(zip(map(str, CUTS), recalls.mean(axis=0).round(4).tolist(), strict=True))


def table(told: Mapping[str, Any]) -> str:
    """Return the numbers of the tested extras as a Markdown table."""
    lines = [
        _row("", *(f"@{cut}" for cut in CUTS), f"difference @{JUDGED}", "not better", "as it is"),
        "|---|" + "---|" * (len(CUTS) + 3),
    ]
    for way, found in told["alone"].items():
        lines.append(_line(f"**{way.replace('_', ' ')}**", found["recall"], "", "", ""))
        for name, each in told["extras"].items():
            one = each["ways"][way]
            usual = EXTRAS[name].usual
            today = "" if usual is None else f"{one['strengths'][f'{usual:g}']['difference']:+.4f}"
            interval = f"{one['difference']:+.4f} ({one['low']:+.4f} to {one['high']:+.4f})"
            share = f"{one['not_better']:.3f}"
            lines.append(_line(name.replace("_", " "), one["recall"], interval, share, today))
    return "\n".join(lines)


def _line(name: str, recall: Mapping[str, float], *rest: str) -> str:
    return _row(name, *(f"{recall[str(cut)]:.3f}" for cut in CUTS), *rest)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
