"""tccli, unchanged, one process per call. It signs with TC3-HMAC-SHA256 over POST and knows nothing else."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from answer import Answer, ClientError, KeyPair

REFUSAL = re.compile(r"\[(TencentCloudSDKException)\] code:(\S+) message:(.*) requestId:(\S+)\s*$", re.DOTALL)
CALL_SECONDS = 90  # the SDK inside gives up after 60


class Tccli:
    """`tccli dts ACTION --version DATE --endpoint http://host:port` (without the scheme it would use https). The first
    call is made by the program itself, the others by its code where that has been loaded (tccli_calls.py)."""

    name = "tccli"

    def __init__(self, options):
        if (options.sign, options.method) != ("TC3-HMAC-SHA256", "POST"):
            raise SystemExit("tccli has no other signature than TC3-HMAC-SHA256 over POST")
        self.options = options
        self.program = os.environ.get("DTS_TEST_TCCLI") or str(Path(sys.executable).parent / "tccli")
        # It writes a configuration and a log into the home folder of whoever runs it.
        self.home = tempfile.TemporaryDirectory(prefix="tccli-")
        self.loaded: subprocess.Popen | None = None

    def call(self, key: KeyPair, action: str, params: dict[str, Any]) -> Answer:
        if self.loaded:
            return self.burst(key, [(action, params)])[0]
        done = subprocess.run(
            [self.program, *self._arguments(action, params)],
            env={**self._environment(), **self._credentials(key)},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=CALL_SECONDS,
        )
        self.loaded = self._load()
        return self._answer(action, done.returncode, done.stdout, done.stderr)

    def burst(self, key: KeyPair, calls: list[tuple[str, dict[str, Any]]]) -> list[Answer]:
        """All at once."""
        self.loaded = self.loaded or self._load()
        environment = self._credentials(key)
        told = [{"arguments": self._arguments(*call), "environment": environment} for call in calls]
        self.loaded.stdin.write(json.dumps(told) + "\n")
        self.loaded.stdin.flush()
        line = self.loaded.stdout.readline()
        if not line:
            raise ClientError(f"the loaded tccli ended with {self.loaded.wait()}")
        answers = zip(calls, json.loads(line), strict=True)
        return [self._answer(action, done["status"], done["stdout"], done["stderr"]) for (action, _), done in answers]

    def close(self):
        if self.loaded:
            self.loaded.stdin.close()
            self.loaded.wait(timeout=CALL_SECONDS)
            self.loaded.stdout.close()
        self.home.cleanup()

    def _load(self) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "tccli_calls.py"), self.options.version],
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def _arguments(self, action: str, params: dict[str, Any]) -> list[str]:
        options = self.options
        arguments = ["dts", action, "--version", options.version]
        arguments += ["--endpoint", f"{options.scheme}://{options.host}", "--region", options.region]
        for name, value in params.items():
            arguments += ["--" + name, value if isinstance(value, str) else json.dumps(value)]
        return arguments

    def _environment(self) -> dict[str, str]:
        return {"HOME": self.home.name, "PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"}

    def _credentials(self, key: KeyPair) -> dict[str, str]:
        """Not as arguments, which every user of the machine can read."""
        environment = {"TENCENTCLOUD_SECRET_ID": key.secret_id, "TENCENTCLOUD_SECRET_KEY": key.secret_key}
        if self.options.token:
            environment["TENCENTCLOUD_TOKEN"] = self.options.token
        return environment

    @staticmethod
    def _answer(action: str, status: int, said: str, complained: str) -> Answer:
        if status == 0:
            body = json.loads(said)
            return Answer(ok=True, type="json", request_id=body.get("RequestId") or "", body=body)
        refusal = REFUSAL.search(complained)
        if not refusal:
            raise ClientError(f"tccli {action} ended with {status}: {complained.strip() or said.strip()}")
        kind, code, message, request_id = refusal.groups()
        return Answer(ok=False, type=kind, request_id=request_id, code=code, message=message)
