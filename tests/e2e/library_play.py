"""What one program does with mem0's `Memory`, and what a model says to it; run by both libraries.

It imports nothing but the standard library: mem0 1.x has an environment of its own, without ours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Answers = dict[str, Any]
Refused = Callable[[], object]

NOBODY = "11111111-2222-4333-8444-555555555555"


@dataclass(frozen=True)
class Scene:
    """What a user says, what a model finds in it, and what it decides on the only memory there."""

    said: str
    fact: str
    event: str
    text: str = ""
    """What the model says that the memory says, or said."""
    quote: str = ""


SCENES = {
    "add": Scene("I live in Berlin.", "Lives in Berlin", "ADD", "Lives in Berlin"),
    "update": Scene("I moved to Lisbon!", "Lives in Lisbon", "UPDATE", "Lives in Lisbon"),
    "none": Scene("Lisbon is my home, really.", "Has a home in Lisbon", "NONE", "Lives in Lisbon"),
    "nothing": Scene("Thank you so much.", "", "NONE"),
    "delete": Scene(
        "Please forget where I live.",
        "A place to live in",
        "DELETE",
        "Lives in Lisbon",
        "forget where I live",
    ),
}
"""Played in this order."""


def scene_of_words(prompt: str) -> Scene:
    """Return the scene whose words, last in the prompt, a model was asked to read."""
    return max(SCENES.values(), key=lambda scene: prompt.rfind(scene.said))


def scene_of_facts(prompt: str) -> Scene:
    """Return the scene whose fact, last in the prompt, a model was asked to decide on."""
    scenes = (scene for scene in SCENES.values() if scene.fact)
    return max(scenes, key=lambda scene: prompt.rfind(scene.fact))


def play(memory: Any) -> Answers:  # noqa: ANN401 - one of two classes without a type in common
    """Return every answer by its name."""
    answers: Answers = {}
    _talk(memory, answers)
    _keep(memory, answers)
    _refuse(memory, answers)
    _forget(memory, answers)
    return answers


def _talk(memory: Any, answers: Answers) -> None:  # noqa: ANN401 - as above
    for name, scene in SCENES.items():
        answers[f"add {name}"] = memory.add(scene.said, user_id="ada", metadata={"topic": "home"})
        answers[f"list after {name}"] = memory.get_all(user_id="ada")
    [told] = answers["add add"]["results"]
    answers["history of a conversation"] = memory.history(told["id"])


def _keep(memory: Any, answers: Answers) -> None:  # noqa: ANN401 - as above
    turns = [
        {"role": "system", "content": "You are a travel agent."},
        {"role": "user", "content": "I want to see Kyoto in spring.", "name": "Ada"},
        {"role": "assistant", "content": "Then let us book a flight."},
    ]
    scope = {"user_id": "bea", "agent_id": "travel", "run_id": "monday"}
    answers["keep turns"] = memory.add(turns, infer=False, metadata={"topic": "trip"}, **scope)
    answers["keep a text"] = memory.add("I own a bicycle.", user_id="bea", infer=False)
    answers["keep a turn"] = memory.add(
        {"role": "user", "content": "I sold my car."}, user_id="bea", infer=False
    )
    kyoto, flight = (each["id"] for each in answers["keep turns"]["results"])
    [bicycle] = (each["id"] for each in answers["keep a text"]["results"])
    answers["get"] = memory.get(kyoto)
    answers["get without metadata"] = memory.get(bicycle)
    answers["list"] = memory.get_all(user_id="bea")
    answers["list of a run"] = memory.get_all(run_id="monday")
    answers["list of all three"] = memory.get_all(**scope)
    answers["list by metadata"] = memory.get_all(user_id="bea", filters={"topic": "trip"})
    answers["list a few"] = len(memory.get_all(user_id="bea", limit=2)["results"])
    answers["list of nobody"] = memory.get_all(user_id="nobody")
    answers["search"] = memory.search("Kyoto in spring?", user_id="bea")
    answers["search a few"] = len(memory.search("Kyoto", user_id="bea", limit=1)["results"])
    answers["search by metadata"] = memory.search(
        "Kyoto", user_id="bea", filters={"topic": {"eq": "trip"}}
    )
    answers["search too high"] = memory.search("Kyoto", user_id="bea", threshold=1.0)
    answers["search of nobody"] = memory.search("Kyoto", user_id="nobody")
    answers["update"] = memory.update(bicycle, "I own two bicycles.")
    answers["get updated"] = memory.get(bicycle)
    answers["update with metadata"] = memory.update(kyoto, "I have seen Kyoto.", {"mood": "good"})
    answers["get updated with metadata"] = memory.get(kyoto)
    answers["history"] = memory.history(bicycle)
    answers["delete"] = memory.delete(flight)
    answers["get deleted"] = memory.get(flight)
    answers["history of the deleted"] = memory.history(flight)


def _refuse(memory: Any, answers: Answers) -> None:  # noqa: ANN401 - as above
    answers["get nothing"] = memory.get(NOBODY)
    answers["history of nothing"] = memory.history(NOBODY)
    refused: dict[str, Refused] = {
        "add to nobody": lambda: memory.add("I am here.", infer=False),
        "add a number": lambda: memory.add(7, user_id="ada"),
        "add of an unknown type": lambda: memory.add("I am.", user_id="ada", memory_type="odd"),
        "search nobody": lambda: memory.search("Kyoto"),
        "list nobody": memory.get_all,
        "update nothing": lambda: memory.update(NOBODY, "I am here."),
        "delete nothing": lambda: memory.delete(NOBODY),
        "delete_all of nobody": memory.delete_all,
        "chat": lambda: memory.chat("Hello?"),
    }
    answers.update({name: _kinds(call) for name, call in refused.items()})


def _forget(memory: Any, answers: Answers) -> None:  # noqa: ANN401 - as above
    answers["keep for somebody else"] = memory.add("I stay.", user_id="cleo", infer=False)
    answers["delete_all"] = memory.delete_all("bea")
    answers["list after delete_all"] = memory.get_all(user_id="bea")
    answers["list of somebody else"] = memory.get_all(user_id="cleo")
    answers["reset"] = memory.reset()
    answers["list after reset"] = memory.get_all(user_id="cleo")
    answers["keep after reset"] = memory.add("I am back.", user_id="cleo", infer=False)


def _kinds(call: Refused) -> Sequence[str]:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever the library raises
        return [kind.__name__ for kind in type(error).__mro__]
    return []
