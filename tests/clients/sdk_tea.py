"""alibabacloud-dts20200101, unchanged: its client and models over alibabacloud-tea-openapi. It signs with ACS3-HMAC-SHA256, or
with HMAC-SHA1 when it is told `signature_algorithm="v2"`."""

import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from alibabacloud_dts20200101 import models
from alibabacloud_dts20200101.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config
from answer import Answer, ClientError, KeyPair
from darabonba.runtime import ExtendsParameters, RuntimeOptions
from sdk_aliyun import REGION, answered, timestamp

METHOD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # DescribeDtsJobs is describe_dts_jobs
SIGNATURES = {"ACS3-HMAC-SHA256": None, "HMAC-SHA1": "v2"}


class Tea:
    """One SDK client per key pair and thread."""

    name = "alibabacloud-dts20200101"
    older_versions = ()  # its package is one version's
    throttled = "ThrottlingException"

    def __init__(self, options):
        if options.method != "POST":
            raise SystemExit("this SDK sends every action of DTS over POST")
        self.options = options
        self.is_v3 = options.sign == "ACS3-HMAC-SHA256"
        self.reads_xml = ("refusals",) if self.is_v3 else ()
        self.clients: dict[KeyPair, Client] = {}

    def call(self, key: KeyPair, action: str, params: dict[str, Any]) -> Answer:
        return self._call(self._kept(key), action, params, RuntimeOptions())

    def burst(self, key: KeyPair, calls: list[tuple[str, dict[str, Any]]]) -> list[Answer]:
        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(lambda call: self._call(self._client(key), *call, RuntimeOptions()), calls))

    def twice(self, key: KeyPair, action: str, params: dict[str, Any]) -> list[Answer]:
        """The same bytes two times: a user's own nonce and time stand in for those that the SDK makes up."""
        runtime = self._runtime(timestamp(0), secrets.token_hex(16))
        return [self._call(self._kept(key), action, params, runtime) for _ in range(2)]

    def late(self, key: KeyPair, action: str, params: dict[str, Any], seconds: float) -> Answer:
        """Signed as by a clock that is slow."""
        return self._call(self._kept(key), action, params, self._runtime(timestamp(seconds), secrets.token_hex(16)))

    def in_xml(self, key: KeyPair, action: str, params: dict[str, Any]) -> Answer:
        """It reads an error in XML, no success."""
        runtime = RuntimeOptions(extends_parameters=ExtendsParameters(headers={"accept": "application/xml"}))
        return self._call(self._kept(key), action, params, runtime)

    def close(self):
        """Nothing is held open."""

    def _runtime(self, time: str, nonce: str) -> RuntimeOptions:
        if self.is_v3:
            mine = ExtendsParameters(headers={"x-acs-date": time, "x-acs-signature-nonce": nonce})
        else:
            mine = ExtendsParameters(queries={"Timestamp": time, "SignatureNonce": nonce})
        return RuntimeOptions(extends_parameters=mine)

    def _kept(self, key: KeyPair) -> Client:
        if key not in self.clients:
            self.clients[key] = self._client(key)
        return self.clients[key]

    def _client(self, key: KeyPair) -> Client:
        config = Config(
            access_key_id=key.secret_id,
            access_key_secret=key.secret_key,
            endpoint=self.options.host,
            protocol=self.options.scheme,
            region_id=REGION,
            signature_algorithm=SIGNATURES[self.options.sign],
        )
        return Client(config)

    def _call(self, client: Client, action: str, params: dict[str, Any], runtime: RuntimeOptions) -> Answer:
        request = getattr(models, action + "Request")().from_map(params)
        try:
            response = getattr(client, METHOD.sub("_", action).lower() + "_with_options")(request, runtime)
        except AlibabaCloudException as refusal:
            return Answer(
                ok=False,
                type=type(refusal).__name__,
                request_id=refusal.request_id or "",
                code=refusal.code,
                message=refusal.message,
                retry_after_ms=getattr(refusal, "retry_after", None),
            )
        if type(response) is not getattr(models, action + "Response"):
            raise ClientError(f"{action} answered a {type(response).__name__}")
        return answered(type(response).__name__, response.body.to_map())
