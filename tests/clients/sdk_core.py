"""aliyun-python-sdk-core, unchanged: a CommonRequest for every action. It signs with HMAC-SHA1."""

import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock
from xml.etree import ElementTree

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.http import protocol_type
from aliyunsdkcore.request import CommonRequest
from aliyunsdkcore.vendored.requests.adapters import HTTPAdapter
from answer import Answer, ClientError, KeyPair
from sdk_aliyun import REGION, VERSION, answered

PROTOCOLS = {"http": protocol_type.HTTP, "https": protocol_type.HTTPS}

logging.getLogger("aliyunsdkcore").setLevel(logging.CRITICAL)  # it writes every refusal to standard error as well


class Core:
    """One SDK client per key pair and thread."""

    name = "aliyun-python-sdk-core"
    older_versions = ("2016-08-01", "2018-08-01")
    throttled = "ServerException"
    reads_xml = ("successes", "refusals")

    def __init__(self, options):
        if options.sign != "HMAC-SHA1":
            raise SystemExit("this SDK has no other signature than HMAC-SHA1")
        self.options = options
        self.clients: dict[KeyPair, AcsClient] = {}

    def call(self, key: KeyPair, action: str, params: dict[str, Any], version: str = VERSION) -> Answer:
        return self._call(self._kept(key), action, params, version)

    def burst(self, key: KeyPair, calls: list[tuple[str, dict[str, Any]]]) -> list[Answer]:
        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(lambda call: self._call(self._client(key), *call), calls))

    def twice(self, key: KeyPair, action: str, params: dict[str, Any]) -> list[Answer]:
        """The same bytes two times. It takes no nonce of its user's, so its transport sends the first request again in place
        of the second, as somebody would who had listened; the SDK reads both answers."""
        client, listener = self._client(key), Listener()
        client.session.mount(self.options.scheme + "://", listener)
        return [self._call(client, action, params) for _ in range(2)]

    def late(self, key: KeyPair, action: str, params: dict[str, Any], seconds: float) -> Answer:
        """Signed by a clock that is slow; the process has no other while it signs."""
        now = time.time() - seconds
        real = time.gmtime
        with mock.patch("time.gmtime", lambda given=None: real(now if given is None else given)):
            return self._call(self._kept(key), action, params)

    def in_xml(self, key: KeyPair, action: str, params: dict[str, Any]) -> Answer:
        """It reads no XML itself: its user gets the body as it came, of a refusal too."""
        request = self._request(action, params, VERSION)
        request.set_accept_format("XML")
        root = ElementTree.fromstring(self._kept(key).do_action(request))
        members = {member.tag: member.text for member in root}
        request_id = members.get("RequestId") or ""
        if root.tag != "Error":
            return Answer(ok=True, type=root.tag, request_id=request_id, body=members)
        code, message = members.get("Code"), members.get("Message")
        return Answer(ok=False, type=root.tag, request_id=request_id, code=code, message=message)

    def close(self):
        for client in self.clients.values():
            client.session.close()

    def _kept(self, key: KeyPair) -> AcsClient:
        if key not in self.clients:
            self.clients[key] = self._client(key)
        return self.clients[key]

    def _client(self, key: KeyPair) -> AcsClient:
        return AcsClient(key.secret_id, key.secret_key, REGION)

    def _request(self, action: str, params: dict[str, Any], version: str) -> CommonRequest:
        request = CommonRequest(domain=self.options.host, version=version, action_name=action)
        request.set_protocol_type(PROTOCOLS[self.options.scheme])
        request.set_method(self.options.method)
        add = request.add_body_params if self.options.method == "POST" else request.add_query_param
        for name, value in params.items():
            add(name, json.dumps(value) if isinstance(value, bool) else value)  # it would write True
        return request

    def _call(self, client: AcsClient, action: str, params: dict[str, Any], version: str = VERSION) -> Answer:
        try:
            body = client.do_action_with_exception(self._request(action, params, version))
        except ServerException as refusal:
            return Answer(
                ok=False,
                type=type(refusal).__name__,
                request_id=refusal.get_request_id() or "",
                code=refusal.get_error_code(),
                message=refusal.get_error_msg(),
            )
        told = json.loads(body)
        if not isinstance(told, dict):
            raise ClientError(f"{action} answered {body!r}")
        return answered("bytes", told)


class Listener(HTTPAdapter):
    """A transport that remembers the first request and sends no other."""

    def __init__(self):
        super().__init__()
        self.heard = None

    def send(self, request, **how):
        self.heard = self.heard or request
        return super().send(self.heard, **how)
