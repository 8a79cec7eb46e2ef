"""The Node SDKs, unchanged, in a Node process that is told its calls line by line (node/lines.js)."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from answer import Answer, ClientError, KeyPair


class NodeProcess:
    """One Node process for all calls of the scenario; it runs `script` with `settings`."""

    def __init__(self, script: str, settings: dict[str, Any]):
        modules = os.environ.get("DTS_TEST_NODE_MODULES")
        node = os.environ.get("DTS_TEST_NODE") or shutil.which("node")
        if not modules or not node:
            raise SystemExit('say where the Node SDKs are: eval "$(scripts/clients.sh)"')
        self.process = subprocess.Popen(
            [node, str(Path(__file__).parent / "node" / script), json.dumps(settings)],
            env={**os.environ, "NODE_PATH": modules},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def call(self, key: KeyPair, action: str, params: dict[str, Any], **more) -> Answer:
        return self.burst(key, [(action, params)], **more)[0]

    def burst(self, key: KeyPair, calls: list[tuple[str, dict[str, Any]]], **more) -> list[Answer]:
        """All calls go out before the first answer is read; Node has them in flight together."""
        for number, (action, params) in enumerate(calls):
            line = {"number": number, "key": key._asdict(), "action": action, "params": params, **more}
            self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        answers: list[Answer | None] = [None] * len(calls)
        for _ in calls:
            line = self.process.stdout.readline()
            if not line:
                raise ClientError(f"node ended with {self.process.wait()}")
            told = json.loads(line)
            if "surprise" in told:
                raise ClientError(told["surprise"])
            number = told.pop("number")
            answers[number] = Answer(**told)
        return answers

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()


class NodeSdk(NodeProcess):
    """tencentcloud-sdk-nodejs: only endpoint and keys are ours."""

    name = "tencentcloud-sdk-nodejs"

    def __init__(self, options):
        http = {"protocol": options.scheme + "://", "endpoint": options.host, "reqMethod": options.method}
        settings = {
            "version": "v" + options.version.replace("-", ""),
            "region": options.region,
            "token": options.token,
            "profile": {"signMethod": options.sign, "httpProfile": http},
        }
        super().__init__("tencent.js", settings)
