"""What goes wrong with servers that speak the OpenAI protocol, in the domain's words."""

from functools import partial

from recollect.adapters.model_servers import server_errors

openai_errors = partial(server_errors, url="RECOLLECT_OPENAI_URL", key="RECOLLECT_OPENAI_API_KEY")
"""Which settings chose the address and the key is the same for all models."""
