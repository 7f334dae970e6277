"""Small files of questions, in every format."""

import io
import json
from typing import Any

import pytest

from recollect.domain.errors import InvalidRequestError
from recollect.usecases.evaluation.formats import ReadConversations
from recollect.usecases.transcripts import Content


def content_of(data: bytes, name: str = "questions.json") -> Content:
    """Return a file's content."""

    def open_at(offset: int) -> io.BytesIO:
        stream = io.BytesIO(data)
        stream.seek(offset)
        return stream

    return Content(name, open_at)


def as_file(value: object) -> Content:
    """Return a JSON file that says this."""
    return content_of(json.dumps(value).encode())


def as_lines(*values: object) -> Content:
    """Return a file of JSON Lines."""
    return content_of(lines_of(*values), "questions.jsonl")


def lines_of(*values: object) -> bytes:
    """Return JSON Lines."""
    return "".join(f"{json.dumps(value)}\n" for value in values).encode()


def a_sample(**changes: object) -> dict[str, Any]:
    """Return a sample in the layout of LoCoMo."""
    conversation = {
        "speaker_a": "Maya",
        "speaker_b": "Ben",
        "session_2_date_time": "12:30 am on 1 June, 2023",
        "session_2": [{"speaker": "Ben", "dia_id": "D2:1", "text": "My boat is called Otter."}],
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            {"speaker": "Maya", "dia_id": "D1:1", "text": "My dog is called Biscuit."},
            {"speaker": "Ben", "dia_id": "D1:2", "text": "Look!", "blip_caption": "a red kite"},
        ],
        "session_3_date_time": "1:00 pm on 2 June, 2023",
    }
    qa = [
        {
            "question": "What is the dog called?",
            "answer": "Biscuit",
            "evidence": ["D1:1"],
            "category": 4,
        },
        {
            "question": "What does Ben have?",
            "answer": 2,
            "evidence": ["D1:2; D2:1", "D", "D9:9"],
            "category": 1,
        },
        {
            "question": "What is the cat called?",
            "adversarial_answer": "Biscuit",
            "evidence": ["D1:1"],
            "category": 5,
        },
        {"question": "And then?", "answer": "?", "category": 3},
    ]
    return {"sample_id": "one", "conversation": conversation, "qa": qa, **changes}


def an_instance(**changes: object) -> dict[str, Any]:
    """Return a question in the layout of LongMemEval."""
    return {
        "question_id": "q1",
        "question_type": "single-session-user",
        "question": "What is my dog called?",
        "question_date": "2023/05/30 (Tue) 23:40",
        "answer": "Biscuit",
        "answer_session_ids": ["s2"],
        "haystack_dates": ["2023/05/20 (Sat) 02:21", "2023/05/21 (Sun) 10:00"],
        "haystack_session_ids": ["s1", "s2"],
        "haystack_sessions": [
            [
                {"role": "user", "content": "I like tea."},
                {"role": "assistant", "content": " ", "has_answer": False},
            ],
            [
                {"role": "user", "content": "My dog is called Biscuit.", "has_answer": True},
                {"role": "assistant", "content": "What a name!"},
            ],
        ],
        **changes,
    }


def some_turns(**changes: object) -> dict[str, Any]:
    """Return a line of turns in our own format."""
    turns = [
        {
            "id": "t1",
            "speaker": "Maya",
            "text": "My dog is called Biscuit.",
            "said_at": "2023-05-08T15:56:00+02:00",
            "session": "1",
        },
        {"id": "t2", "role": "assistant", "text": "What a name!", "said_at": "2023-05-08T13:57:00"},
        {"id": 3, "text": "My boat is called Otter."},
    ]
    return {"conversation": "c1", "turns": turns, **changes}


def a_question(**changes: object) -> dict[str, Any]:
    """Return a line of a question in our own format."""
    question = {"conversation": "c1", "question": "What is the dog called?", "evidence": ["t1"]}
    return {**question, **changes}


def refusal(read: ReadConversations, content: Content) -> str:
    """Return why reading is refused."""
    with pytest.raises(InvalidRequestError) as refused:
        list(read(content))
    return str(refused.value)
