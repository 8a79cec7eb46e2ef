"""What one call came to, the same for every client: the scenario must not know which SDK it drives."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class KeyPair(NamedTuple):
    """Whose call it is."""

    secret_id: str
    secret_key: str


@dataclass
class Answer:
    """A success has a body; a refusal has a code. `type` is what the SDK handed to its user: a class, or what it calls it.
    `retry_after_ms` is none of most SDKs' business."""

    ok: bool
    type: str
    request_id: str
    code: str | None = None
    message: str | None = None
    retry_after_ms: int | None = None
    body: dict[str, Any] = field(default_factory=dict)


class ClientError(Exception):
    """The SDK did something that is neither a typed success nor its own typed exception."""
