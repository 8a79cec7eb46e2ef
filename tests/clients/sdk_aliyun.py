"""What the clients of Alibaba have in common."""

import time
from typing import Any

from answer import Answer

REGION = "cn-hangzhou"
VERSION = "2020-01-01"


def answered(kind: str, body: dict[str, Any]) -> Answer:
    """What came back with status 200. The service tells its own failures in there, and no SDK raises for them."""
    request_id = body.get("RequestId") or ""
    if body.get("Success") in (False, "false"):
        code, message = body.get("ErrCode"), body.get("ErrMessage")
        return Answer(ok=False, type=kind, request_id=request_id, code=code, message=message, body=body)
    return Answer(ok=True, type=kind, request_id=request_id, body=body)


def timestamp(seconds_ago: float) -> str:
    """As all of them write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds_ago))
