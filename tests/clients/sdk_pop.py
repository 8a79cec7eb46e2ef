"""@alicloud/pop-core, unchanged, in a Node process (node/pop_core.js). It signs with HMAC-SHA1."""

import secrets
from typing import Any

from answer import Answer, KeyPair
from sdk_aliyun import VERSION, answered, timestamp
from sdk_node import NodeProcess


class PopCore(NodeProcess):
    """Its errors are named after the code."""

    name = "@alicloud/pop-core"
    older_versions = ("2016-08-01", "2018-08-01")
    throttled = "Throttling.UserError"
    reads_xml = ()

    def __init__(self, options):
        if options.sign != "HMAC-SHA1":
            raise SystemExit("this SDK has no other signature than HMAC-SHA1")
        endpoint = f"{options.scheme}://{options.host}"
        super().__init__("pop_core.js", {"endpoint": endpoint, "method": options.method})

    def burst(self, key: KeyPair, calls: list[tuple[str, dict[str, Any]]], version: str = VERSION) -> list[Answer]:
        answers = super().burst(key, calls, version=version)
        return [answered(answer.type, answer.body) if answer.ok else answer for answer in answers]

    def twice(self, key: KeyPair, action: str, params: dict[str, Any]) -> list[Answer]:
        """The same bytes two times: a user's own nonce and time stand in for those that the SDK makes up."""
        mine = {"SignatureNonce": secrets.token_hex(16), "Timestamp": timestamp(0)}
        return [self.call(key, action, {**params, **mine}) for _ in range(2)]

    def late(self, key: KeyPair, action: str, params: dict[str, Any], seconds: float) -> Answer:
        """Signed as by a clock that is slow."""
        return self.call(key, action, {**params, "Timestamp": timestamp(seconds)})
