"""A support agent in LangGraph that remembers its users with mem0's client.

It is built as mem0's guide for LangGraph builds one: a graph of one node, which searches memories
for what the user says, puts them before the model, and adds both turns afterwards. The one thing
that is Recollect's is `host`.

    python agent.py --host http://127.0.0.1:8080 --api-key m0-...

Without `--model` a scripted one answers, which repeats what it was told to remember; any model that
LangChain knows will do, such as `--model openai:gpt-5-mini`.
"""

import argparse
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph, add_messages
from langgraph.graph.state import CompiledStateGraph
from mem0 import MemoryClient

INSTRUCTIONS = "You are a helpful support agent. What you remember of this user:\n{memories}"
QUESTIONS = (
    ("monday", "I bought a red bicycle in Kyoto, and its left pedal squeaks."),
    ("friday", "Which bicycle of mine was it that squeaks?"),
)
"""Two conversations of one user: what is said in the first is asked for in the second."""


class Conversation(TypedDict):
    """What the graph passes on: the turns so far, and whose they are."""

    messages: Annotated[list[BaseMessage], add_messages]
    mem0_user_id: str


class ScriptedModel(BaseChatModel):
    """Answers with the memories that stand in its instructions: enough to see them arrive."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        _, _, memories = str(messages[0].content).partition("\n")
        text = f"I remember:\n{memories}" if memories else "I will remember that."
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])


def agent_of(model: BaseChatModel, memory: MemoryClient) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the agent: a graph that answers the last message of a conversation."""

    def chat(state: Conversation) -> dict[str, list[BaseMessage]]:
        user, said = state["mem0_user_id"], state["messages"][-1]
        found = memory.search(str(said.content), filters={"user_id": user}, threshold=0.0)
        memories = "\n".join(f"- {each['memory']}" for each in found["results"])
        system = SystemMessage(INSTRUCTIONS.format(memories=memories))
        answer = model.invoke([system, *state["messages"]])
        turns = [
            {"role": "user", "content": str(said.content)},
            {"role": "assistant", "content": str(answer.content)},
        ]
        memory.add(turns, user_id=user)
        return {"messages": [answer]}

    graph = StateGraph(Conversation)
    graph.add_node("chat", chat)
    graph.add_edge(START, "chat")
    return graph.compile(checkpointer=InMemorySaver())


def talk(
    agent: CompiledStateGraph[Any, Any, Any, Any],
    user: str,
    questions: Sequence[tuple[str, str]],
    say: Callable[[str], None],
) -> None:
    """Hold conversations, each a thread of its own that knows nothing of the others."""
    for thread, question in questions:
        said = {"messages": [HumanMessage(question)], "mem0_user_id": user}
        answer = agent.invoke(said, {"configurable": {"thread_id": thread}})
        say(f"{thread} | user: {question}\n{thread} | agent: {answer['messages'][-1].content}")


def main() -> None:
    """Talk twice with one user, and show that the second conversation knows of the first."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--host", required=True)
    parser.add_argument("--api-key", required=True)
    parser.add_argument("--user", default="ada")
    parser.add_argument("--model", help="such as openai:gpt-5-mini; a scripted one if not given")
    options = parser.parse_args()
    memory = MemoryClient(api_key=options.api_key, host=options.host)
    talk(agent_of(_model(options.model), memory), options.user, QUESTIONS, print)


def _model(name: str | None) -> BaseChatModel:
    if name is None:
        return ScriptedModel()
    from langchain.chat_models import init_chat_model  # noqa: PLC0415 - only for a real model

    return init_chat_model(name)


if __name__ == "__main__":
    main()
