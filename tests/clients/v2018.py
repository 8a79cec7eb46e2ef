"""What a user of Tencent DTS 2018-03-30 does, step by step, and what must come of each step."""

import json
from typing import Any

from answer import KeyPair
from steps import AWKWARD_NAME, Steps

LIST_ACTION = "DescribeMigrateJobs"

# The states of a migration task as DescribeMigrateJobs reports them.
CREATING, CREATED, CHECK_PASS, RUNNING, READY_COMPLETE, SUCCESS, FAILED = 1, 2, 4, 7, 8, 9, 10
INCREMENTAL = 3  # MigrateOption.MigrateType: structure, data, then changes until CompleteMigrateJob

NOT_ALLOWED, NO_JOB = "FailedOperation.NotAllowOperation", "ResourceNotFound.JobNotExist"


def run(steps: Steps):
    """A task that is stopped, a task that is completed, a subscription, and every refusal that needs no flag."""
    steps.succeeds("list", LIST_ACTION, {"Limit": 1, "Offset": 0})
    stopped_task(steps)
    completed_task(steps)
    subscription(steps)
    steps.refused_callers()
    refused_calls(steps)


def stopped_task(steps: Steps):
    name = steps.named(AWKWARD_NAME)
    job = create(steps, "create", name)
    steps.refused("start-unchecked", "StartMigrateJob", {"JobId": job}, NOT_ALLOWED)
    renamed = name + " 2"
    steps.succeeds("modify", "ModifyMigrateJob", {"JobId": job, "JobName": renamed})
    task = describe(steps, "describe", job)
    steps.expect("describe", task["JobName"] == renamed, f"the name came back as {task['JobName']!r}")
    check(steps, "check", job)
    steps.succeeds("start", "StartMigrateJob", {"JobId": job})
    reaches(steps, "running", job, {RUNNING, READY_COMPLETE})
    steps.refused("start-running", "StartMigrateJob", {"JobId": job}, NOT_ALLOWED)
    steps.refused("delete-running", "DeleteMigrateJob", {"JobId": job}, NOT_ALLOWED)
    steps.succeeds("stop", "StopMigrateJob", {"JobId": job})
    reaches(steps, "stopped", job, {FAILED})
    steps.refused("complete-stopped", "CompleteMigrateJob", {"JobId": job}, NOT_ALLOWED)
    steps.succeeds("delete", "DeleteMigrateJob", {"JobId": job})
    steps.refused("start-deleted", "StartMigrateJob", {"JobId": job}, NO_JOB)


def completed_task(steps: Steps):
    job = create(steps, "create-incremental", steps.named("incremental"))
    check(steps, "check-incremental", job)
    steps.succeeds("start-incremental", "StartMigrateJob", {"JobId": job})
    reaches(steps, "ready-to-complete", job, {READY_COMPLETE})
    steps.succeeds("complete", "CompleteMigrateJob", {"JobId": job})
    reaches(steps, "completed", job, {SUCCESS})
    steps.succeeds("delete-completed", "DeleteMigrateJob", {"JobId": job})


def subscription(steps: Steps):
    """The old subscription: bought, activated and read."""
    order = {"Product": "mysql", "PayType": 1, "Count": 1, "Name": steps.named("subscription")}
    bought = steps.succeeds("subscribe", "CreateSubscribe", order)
    ids = bought.body.get("SubscribeIds") or []
    steps.expect("subscribe", len(ids) == 1, f"one id, not {ids!r}")
    one = {"SubscribeId": ids[0]}
    listed = steps.succeeds("subscriptions", "DescribeSubscribes", {**one, "Limit": 20, "Offset": 0})
    found = [item["SubscribeId"] for item in listed.body["Items"]]
    steps.expect("subscriptions", found == ids, f"the bought one, not {found!r}")
    conf = steps.succeeds("subscription", "DescribeSubscribeConf", one).body
    steps.expect("subscription", conf["SubsStatus"] == "unconfigure", f"a new one is {conf['SubsStatus']!r}")
    activation = {**one, "InstanceId": "cdb-9dijwkkw", "SubscribeObjectType": 0}
    activated = steps.succeeds("activate", "ActivateSubscribe", activation)
    steps.until(
        "activation",
        "DescribeAsyncRequestInfo",
        {"AsyncRequestId": activated.body["AsyncRequestId"]},
        lambda body: body["Status"] == "success",
        lambda body: f"it is {body['Status']!r}",
    )
    steps.until(
        "activated",
        "DescribeSubscribeConf",
        one,
        lambda body: body["SubsStatus"] == "configured",
        lambda body: f"it is {body['SubsStatus']!r}",
    )


def refused_calls(steps: Steps):
    steps.refused("unknown-job", "StopMigrateJob", {"JobId": "dts-00000000"}, NO_JOB)
    incomplete = job_parameters(steps.named("incomplete"), steps.password)
    del incomplete["MigrateOption"]["RunMode"]  # deeper than tccli looks before it sends
    steps.refused("missing-parameter", "CreateMigrateJob", incomplete, "MissingParameter")


def refused_reader(steps: Steps, reader: KeyPair):
    """Gateway only: a caller that may read and nothing else."""
    job = create(steps, "create-for-reader", steps.named("not the reader's"))
    steps.succeeds("reader-reads", LIST_ACTION, {"JobId": job}, reader)
    steps.refused("no-grant", "DeleteMigrateJob", {"JobId": job}, "AuthFailure.UnauthorizedOperation", reader)
    steps.succeeds("delete-for-reader", "DeleteMigrateJob", {"JobId": job})


# What steps are made of


def create(steps: Steps, step: str, name: str) -> str:
    job = steps.succeeds(step, "CreateMigrateJob", job_parameters(name, steps.password)).body.get("JobId")
    steps.expect(step, isinstance(job, str) and job != "", f"JobId is {job!r}")
    reaches(steps, step + ":exists", job, {CREATING, CREATED})
    return job


def check(steps: Steps, step: str, job: str):
    steps.succeeds(step, "CreateMigrateCheckJob", {"JobId": job})
    steps.until(
        step + ":passed",
        "DescribeMigrateCheckJob",
        {"JobId": job},
        lambda body: body["CheckFlag"] == 1,
        lambda body: f"CheckFlag is {body['CheckFlag']} and Status {body['Status']!r}",
    )
    reaches(steps, step + ":state", job, {CHECK_PASS})


def describe(steps: Steps, step: str, job: str) -> dict[str, Any]:
    body = steps.succeeds(step, LIST_ACTION, {"JobId": job}).body
    steps.expect(step, body["TotalCount"] == 1 and len(body["JobList"]) == 1, "exactly this task")
    steps.expect(step, body["JobList"][0]["JobId"] == job, "its id")
    return body["JobList"][0]


def reaches(steps: Steps, step: str, job: str, states: set[int]):
    def state(body):
        return body["JobList"][0]["Status"] if body["JobList"] else None

    steps.until(
        step,
        LIST_ACTION,
        {"JobId": job},
        lambda body: state(body) in states,
        lambda body: f"the task is in state {state(body)}, not in {sorted(states)}",
    )


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
