"""How Bedrock says no."""

import json

from tests.contract.stand_in import Answer

STATUS = {
    "ValidationException": 400,
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "ModelNotReadyException": 429,
    "ThrottlingException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}
"""As the service's model has them; a test compares the two."""
UNKNOWN_MODEL = "The provided model identifier is invalid."


class BedrockError(Exception):
    """A refusal: the message and the code of one of Bedrock's errors."""

    def __init__(self, message: str, code: str = "ValidationException") -> None:
        super().__init__(message)
        self.code = code

    @property
    def answer(self) -> Answer:
        """What goes over the wire."""
        content = json.dumps({"message": str(self)}).encode()
        return Answer(STATUS[self.code], content, {"x-amzn-ErrorType": self.code})
