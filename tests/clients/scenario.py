"""What a user of Tencent DTS 2018-03-30 does, step by step, and what must come of each step.

It knows neither which SDK makes the calls nor whether a gateway or a cloud answers them: that the same steps come out the
same on both is what it is for.
"""

import json
import re
import time
from typing import Any, Callable

from answer import Answer, KeyPair

DEADLINE_SECONDS = 60  # for a task to reach a state; the simulator needs about a third of a second for each
POLL_SECONDS = 0.2
LIMITED_CALLS = 16

# The states of a migration task as DescribeMigrateJobs reports them.
CREATED, CHECK_PASS, RUNNING, READY_COMPLETE, SUCCESS, FAILED = 2, 4, 7, 8, 9, 10
CREATING = 1
INCREMENTAL = 3  # MigrateOption.MigrateType: structure, data, then changes until CompleteMigrateJob

# A name that every client escapes differently on its way into a query, a form or a JSON body.
AWKWARD_NAME = "数据 迁移 +50% = a&b ~*'(1)! \"q\" <x>"


class Surprise(Exception):
    """A step did not come out as it must; the steps after it would only say so again."""


class Scenario:
    """Runs the steps in order and prints one JSON line for each."""

    def __init__(self, sdk, key: KeyPair, password: str):
        self.sdk = sdk
        self.key = key
        self.password = password
        self.steps = 0
        self.changed: dict[str, int] = {}  # when each change was last made, in whole seconds

    # The steps

    def run(self):
        """A task that is stopped, a task that is completed, a subscription, and every refusal that needs no flag."""
        self.succeeds("list", "DescribeMigrateJobs", {"Limit": 1, "Offset": 0})
        self.stopped_task()
        self.completed_task()
        self.subscription()
        self.refused_callers()
        self.refused_calls()

    def stopped_task(self):
        job = self.create("create", AWKWARD_NAME)
        self.refused("start-unchecked", "StartMigrateJob", {"JobId": job}, "FailedOperation.NotAllowOperation")
        renamed = AWKWARD_NAME + " 2"
        self.succeeds("modify", "ModifyMigrateJob", {"JobId": job, "JobName": renamed})
        task = self.describe("describe", job)
        self.expect("describe", task["JobName"] == renamed, f"the name came back as {task['JobName']!r}")
        self.check("check", job)
        self.succeeds("start", "StartMigrateJob", {"JobId": job})
        self.reaches("running", job, {RUNNING, READY_COMPLETE})
        self.refused("start-running", "StartMigrateJob", {"JobId": job}, "FailedOperation.NotAllowOperation")
        self.refused("delete-running", "DeleteMigrateJob", {"JobId": job}, "FailedOperation.NotAllowOperation")
        self.succeeds("stop", "StopMigrateJob", {"JobId": job})
        self.reaches("stopped", job, {FAILED})
        self.refused("complete-stopped", "CompleteMigrateJob", {"JobId": job}, "FailedOperation.NotAllowOperation")
        self.succeeds("delete", "DeleteMigrateJob", {"JobId": job})
        self.refused("start-deleted", "StartMigrateJob", {"JobId": job}, "ResourceNotFound.JobNotExist")

    def completed_task(self):
        job = self.create("create-incremental", "incremental")
        self.check("check-incremental", job)
        self.succeeds("start-incremental", "StartMigrateJob", {"JobId": job})
        self.reaches("ready-to-complete", job, {READY_COMPLETE})
        self.succeeds("complete", "CompleteMigrateJob", {"JobId": job})
        self.reaches("completed", job, {SUCCESS})
        self.succeeds("delete-completed", "DeleteMigrateJob", {"JobId": job})

    def subscription(self):
        """The old subscription: bought, activated and read."""
        bought = self.succeeds("subscribe", "CreateSubscribe", {"Product": "mysql", "PayType": 1, "Count": 1})
        ids = bought.body.get("SubscribeIds") or []
        self.expect("subscribe", len(ids) == 1, f"one id, not {ids!r}")
        subscription = {"SubscribeId": ids[0]}
        listed = self.succeeds("subscriptions", "DescribeSubscribes", {**subscription, "Limit": 20, "Offset": 0})
        found = [item["SubscribeId"] for item in listed.body["Items"]]
        self.expect("subscriptions", found == ids, f"the bought one, not {found!r}")
        conf = self.succeeds("subscription", "DescribeSubscribeConf", subscription).body
        self.expect("subscription", conf["SubsStatus"] == "unconfigure", f"a new one is {conf['SubsStatus']!r}")
        activated = self.succeeds(
            "activate", "ActivateSubscribe", {**subscription, "InstanceId": "cdb-9dijwkkw", "SubscribeObjectType": 0}
        )
        asked = {"AsyncRequestId": activated.body["AsyncRequestId"]}
        self.until(
            "activation",
            "DescribeAsyncRequestInfo",
            asked,
            lambda body: body["Status"] == "success",
            lambda body: f"it is {body['Status']!r}",
        )
        self.until(
            "activated",
            "DescribeSubscribeConf",
            subscription,
            lambda body: body["SubsStatus"] == "configured",
            lambda body: f"it is {body['SubsStatus']!r}",
        )

    def refused_callers(self):
        secret_id, secret_key = self.key
        wrong = KeyPair(secret_id, secret_key[:-1] + ("a" if secret_key[-1] != "a" else "b"))
        self.refused("wrong-key", "DescribeMigrateJobs", {"Limit": 1}, "AuthFailure.SignatureFailure", wrong)
        unknown = KeyPair("AKIDnobodyhasthiskeyid00000000000000", secret_key)
        self.refused("unknown-id", "DescribeMigrateJobs", {"Limit": 1}, "AuthFailure.SecretIdNotFound", unknown)

    def refused_calls(self):
        self.refused("unknown-job", "StopMigrateJob", {"JobId": "dts-00000000"}, "ResourceNotFound.JobNotExist")
        incomplete = job_parameters("incomplete", self.password)
        del incomplete["MigrateOption"]["RunMode"]  # deeper than tccli looks before it sends
        self.refused("missing-parameter", "CreateMigrateJob", incomplete, "MissingParameter")

    def refused_reader(self, reader: KeyPair):
        """Gateway only: a caller that may read and nothing else."""
        job = self.create("create-for-reader", "not the reader's")
        self.succeeds("reader-reads", "DescribeMigrateJobs", {"JobId": job}, reader)
        self.refused("no-grant", "DeleteMigrateJob", {"JobId": job}, "AuthFailure.UnauthorizedOperation", reader)
        self.succeeds("delete-for-reader", "DeleteMigrateJob", {"JobId": job})

    def refused_limited(self, limited: KeyPair):
        """Gateway only: a caller whose own limit is narrow."""
        self.too_many("too-fast", limited, LIMITED_CALLS)

    def refused_burst(self, calls: int):
        """More calls at once than may wait; after them, calls go through again."""
        self.too_many("burst", self.key, calls)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (answer := self.sdk.call(self.key, "DescribeMigrateJobs", {"Limit": 1})).ok:
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        self.report("burst:over", answer, None)

    def too_many(self, step: str, key: KeyPair, calls: int):
        """All at once, no two alike, so that none can share another's answer: some must be refused, not all."""
        answers = self.sdk.burst(key, [("DescribeMigrateJobs", {"JobName": f"{step}-{n}"}) for n in range(calls)])
        refused = [answer for answer in answers if not answer.ok]
        self.expect(step, 0 < len(refused) < calls, f"{len(refused)} of {calls} calls were refused")
        others = [answer for answer in refused if answer.code != "RequestLimitExceeded"]
        self.report(step, (others or refused)[0], "RequestLimitExceeded", refused=len(refused), calls=calls)

    # What steps are made of

    def create(self, step: str, name: str) -> str:
        job = self.succeeds(step, "CreateMigrateJob", job_parameters(name, self.password)).body.get("JobId")
        self.expect(step, isinstance(job, str) and job != "", f"JobId is {job!r}")
        self.reaches(step + ":exists", job, {CREATING, CREATED})
        return job

    def check(self, step: str, job: str):
        self.succeeds(step, "CreateMigrateCheckJob", {"JobId": job})
        self.until(
            step + ":passed",
            "DescribeMigrateCheckJob",
            {"JobId": job},
            lambda body: body["CheckFlag"] == 1,
            lambda body: f"CheckFlag is {body['CheckFlag']} and Status {body['Status']!r}",
        )
        self.reaches(step + ":state", job, {CHECK_PASS})

    def describe(self, step: str, job: str) -> dict[str, Any]:
        body = self.succeeds(step, "DescribeMigrateJobs", {"JobId": job}).body
        self.expect(step, body["TotalCount"] == 1 and len(body["JobList"]) == 1, "exactly this task")
        self.expect(step, body["JobList"][0]["JobId"] == job, "its id")
        return body["JobList"][0]

    def reaches(self, step: str, job: str, states: set[int]):
        def state(body):
            return body["JobList"][0]["Status"] if body["JobList"] else None

        self.until(
            step,
            "DescribeMigrateJobs",
            {"JobId": job},
            lambda body: state(body) in states,
            lambda body: f"the task is in state {state(body)}, not in {sorted(states)}",
        )

    def until(self, step: str, action: str, params: dict, done: Callable, otherwise: Callable) -> Answer:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            answer = self.sdk.call(self.key, action, params)
            if not answer.ok or done(answer.body):
                return self.report(step, answer, None)
            if time.monotonic() > deadline:
                raise Surprise(f"{step}: {otherwise(answer.body)} after {DEADLINE_SECONDS} s")
            time.sleep(POLL_SECONDS)

    def succeeds(self, step: str, action: str, params: dict, key: KeyPair | None = None) -> Answer:
        return self.report(step, self.call(action, params, key), None)

    def refused(self, step: str, action: str, params: dict, code: str, key: KeyPair | None = None) -> Answer:
        return self.report(step, self.call(action, params, key), code)

    def call(self, action: str, params: dict, key: KeyPair | None) -> Answer:
        """A change made again in the same second has the same TC3 signature, and a gateway answers it as the same change
        (it cannot tell it from an SDK's retry): whoever means it a second time has to let the clock move on."""
        call = json.dumps([action, params])
        while int(time.time()) <= self.changed.get(call, 0):
            time.sleep(0.02)
        answer = self.sdk.call(key or self.key, action, params)
        if answer.ok and not action.startswith("Describe"):  # refusals are not remembered
            self.changed[call] = int(time.time())
        return answer

    def report(self, step: str, answer: Answer, code: str | None, **more) -> Answer:
        """Prints the step and judges it: the code (None is success), and a RequestId in every answer."""
        line = {"step": step, "ok": answer.ok, "code": answer.code, "request_id": answer.request_id, "type": answer.type}
        if answer.message:
            line["message"] = answer.message
        print(json.dumps({**line, **more}, ensure_ascii=False), flush=True)
        self.steps += 1
        wanted = "success" if code is None else code
        self.expect(step, answer.code == code, f"{wanted} was expected, not {answer.code or 'success'} ({answer.message})")
        self.expect(step, re.fullmatch(r"[\w-]{8,}", answer.request_id), f"RequestId is {answer.request_id!r}")
        self.expect(step, answer.ok or answer.message, "a refusal says what to do")
        return answer

    @staticmethod
    def expect(step: str, holds: Any, otherwise: str):
        if not holds:
            raise Surprise(f"{step}: {otherwise}")


def job_parameters(name: str, password: str) -> dict[str, Any]:
    """A migration from a MySQL of the caller's own into a cloud instance."""
    return {
        "JobName": name,
        "MigrateOption": {"RunMode": 1, "MigrateType": INCREMENTAL, "MigrateObject": 1, "ConsistencyType": 1},
        "SrcDatabaseType": "mysql",
        "SrcAccessType": "extranet",
        "SrcInfo": {"Ip": "192.0.2.10", "Port": 3306, "User": "migrator", "Password": password},
        "DstDatabaseType": "mysql",
        "DstAccessType": "cdb",
        "DstInfo": {"InstanceId": "cdb-e78e0nnv", "Region": "ap-guangzhou", "User": "root", "Password": password},
        "DatabaseInfo": json.dumps([{"Database": "shop", "Table": [{"Table": "orders"}]}]),
    }
