"""Who speaks in which role of a conversation; roles are compared in lower case."""

AGENT_ROLES = frozenset({"assistant"})
SYSTEM_ROLES = frozenset({"system", "developer"})
"""What is said in these roles is said to the agent by who made it: context, never a memory."""
TOOL_ROLES = frozenset({"tool", "function"})
