"""tencentcloud-sdk-python with its models of one API version, unchanged: only endpoint and keys are ours."""

import importlib
import json
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from answer import Answer, ClientError, KeyPair
from tencentcloud.common.abstract_client import AbstractClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

BURST_THREADS = 256

# The models only warn of a member that they do not have: an answer of another shape than the documented one.
warnings.filterwarnings("error", module=r"tencentcloud\.")


class PythonSdk:
    """One SDK client per key pair and thread."""

    name = "tencentcloud-sdk-python"

    def __init__(self, options):
        self.options = options
        package = "tencentcloud.dts.v" + options.version.replace("-", "")
        self.client_class = importlib.import_module(package + ".dts_client").DtsClient
        self.models = importlib.import_module(package + ".models")
        self.clients: dict[KeyPair, AbstractClient] = {}

    def call(self, key: KeyPair, action: str, params: dict[str, Any]) -> Answer:
        if key not in self.clients:
            self.clients[key] = self._client(key)
        return self._call(self.clients[key], action, params)

    def burst(self, key: KeyPair, calls: list[tuple[str, dict[str, Any]]]) -> list[Answer]:
        """All calls at once, each from a client of its own: the SDK's client is not made for threads."""
        with ThreadPoolExecutor(min(len(calls), BURST_THREADS)) as pool:
            return list(pool.map(lambda call: self._call(self._client(key), *call), calls))

    def close(self):
        """Nothing is held open."""

    def _client(self, key: KeyPair) -> AbstractClient:
        options = self.options
        http = HttpProfile(protocol=options.scheme, endpoint=options.host, reqMethod=options.method)
        profile = ClientProfile(signMethod=options.sign, httpProfile=http)
        return self.client_class(Credential(*key, options.token), options.region, profile)

    def _call(self, client: AbstractClient, action: str, params: dict[str, Any]) -> Answer:
        request = getattr(self.models, action + "Request")()
        request.from_json_string(json.dumps(params))
        try:
            response = getattr(client, action)(request)
        except TencentCloudSDKException as refusal:
            return Answer(
                ok=False,
                type=type(refusal).__name__,
                request_id=refusal.get_request_id() or "",
                code=refusal.get_code(),
                message=refusal.get_message(),
            )
        if type(response) is not getattr(self.models, action + "Response"):
            raise ClientError(f"{action} answered a {type(response).__name__}")
        body = json.loads(response.to_json_string())
        return Answer(ok=True, type=type(response).__name__, request_id=response.RequestId or "", body=body)
