"""What can go wrong with the engines."""


class EngineError(Exception):
    """An engine could not be installed or does not answer; the text says how to go on."""


class MissingToolError(Exception):
    """Java or Maven is not on this machine; the text says what to install."""
