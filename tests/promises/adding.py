"""A process that adds messages one by one, printing each id once it is answered; made to be killed.

`python adding.py DATA_FILE`
"""

import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from recollect.domain.jobs import IdempotencyKey
from recollect.domain.subjects import Scope
from recollect.testing.builders import a_scope
from tests.service import Service, a_service

PROJECT = "acme"
MESSAGES = 500


def new_id() -> str:
    return str(uuid4())


def the_scope() -> Scope:
    return a_scope(PROJECT, user="ada", run="r1")


def the_message(number: int) -> str:
    return f"message {number} is about topic {number % 7}"


def the_key(number: int) -> IdempotencyKey:
    return IdempotencyKey(f"key {number}", f"hash {number}")


def project_forever(service: Service) -> None:
    while True:
        if service.ports.wake_ups.subjects.wait(1.0):
            for project, keys in service.ports.wake_ups.subjects.take(limit=10):
                service.project_changes(project, keys)


def main() -> None:
    service = a_service(Path(sys.argv[1]), ids=new_id)
    service = service.having(now=lambda: datetime.now(UTC))
    service.open_project(PROJECT)
    threading.Thread(target=project_forever, args=[service], daemon=True).start()
    for number in range(MESSAGES):
        job = service.say(the_scope(), the_message(number), key=the_key(number))
        sys.stdout.write(f"{job.outcomes[0].memory_id}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
