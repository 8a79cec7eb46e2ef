"""tccli, unchanged, one process per call. It signs with TC3-HMAC-SHA256 over POST and knows nothing else."""

import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from answer import Answer, ClientError, KeyPair

REFUSAL = re.compile(r"\[(TencentCloudSDKException)\] code:(\S+) message:(.*) requestId:(\S+)\s*$", re.DOTALL)
CALL_SECONDS = 90  # the SDK inside gives up after 60
BURST_PROCESSES = 32


class Tccli:
    """`tccli dts ACTION --version 2018-03-30 --endpoint http://host:port` (without the scheme it would use https)."""

    name = "tccli"

    def __init__(self, options):
        if (options.sign, options.method) != ("TC3-HMAC-SHA256", "POST"):
            raise SystemExit("tccli has no other signature than TC3-HMAC-SHA256 over POST")
        self.options = options
        self.program = os.environ.get("DTS_TEST_TCCLI") or str(Path(sys.executable).parent / "tccli")
        # It writes a configuration and a log into the home folder of whoever runs it.
        self.home = tempfile.TemporaryDirectory(prefix="tccli-")

    def call(self, key: KeyPair, action: str, params: dict[str, Any]) -> Answer:
        options = self.options
        command = [self.program, "dts", action, "--version", "2018-03-30"]
        command += ["--endpoint", f"{options.scheme}://{options.host}", "--region", options.region]
        for name, value in params.items():
            command += ["--" + name, value if isinstance(value, str) else json.dumps(value)]
        environment = {
            "HOME": self.home.name,
            "PATH": os.environ["PATH"],
            "PYTHONIOENCODING": "utf-8",
            # Not as arguments, which every user of the machine can read.
            "TENCENTCLOUD_SECRET_ID": key.secret_id,
            "TENCENTCLOUD_SECRET_KEY": key.secret_key,
        }
        if options.token:
            environment["TENCENTCLOUD_TOKEN"] = options.token
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=CALL_SECONDS
        )
        if done.returncode == 0:
            body = json.loads(done.stdout)
            return Answer(ok=True, type="json", request_id=body.get("RequestId") or "", body=body)
        refusal = REFUSAL.search(done.stderr)
        if not refusal:
            raise ClientError(f"tccli {action} ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
        kind, code, message, request_id = refusal.groups()
        return Answer(ok=False, type=kind, request_id=request_id, code=code, message=message)

    def burst(self, key: KeyPair, calls: list[tuple[str, dict[str, Any]]]) -> list[Answer]:
        with ThreadPoolExecutor(min(len(calls), BURST_PROCESSES)) as pool:
            return list(pool.map(lambda call: self.call(key, *call), calls))

    def close(self):
        self.home.cleanup()
