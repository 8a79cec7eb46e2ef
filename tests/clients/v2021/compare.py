"""The life of consistency checks: the same for a migration and for a sync, by actions of other names."""

from typing import NamedTuple

from steps import Steps, reaches

from .names import DENIED, NOT_FOUND, only


class Actions(NamedTuple):
    """What the two kinds call their actions; `prefix` begins the names of the steps."""

    prefix: str
    create: str
    modify: str
    rename: str
    start: str
    stop: str
    delete: str
    list: str
    report: str
    differences: str


OF_MIGRATION = Actions(
    "compare",
    "CreateCompareTask",
    "ModifyCompareTask",
    "ModifyCompareTaskName",
    "StartCompare",
    "StopCompare",
    "DeleteCompareTask",
    "DescribeCompareTasks",
    "DescribeCompareReport",
    "DescribeCompareDiffItems",
)
OF_SYNC = Actions(
    "sync-compare",
    "CreateSyncCompareTask",
    "ModifySyncCompareTask",
    "ModifySyncCompareTaskName",
    "StartSyncCompare",
    "StopSyncCompare",
    "DeleteSyncCompareTask",
    "DescribeSyncCompareTasks",
    "DescribeSyncCompareReport",
    "DescribeSyncCompareDiffItems",
)

# The name of the one that may come to its end; the others are stopped.
ENDS = "to the end"


def live(steps: Steps, actions: Actions, job: str):
    """One that ends and is read, one that is stopped; both are deleted. The job is running."""
    ended(steps, actions, job)
    stopped(steps, actions, job)


def ended(steps: Steps, actions: Actions, job: str):
    step = actions.prefix
    check = create(steps, actions, step, job, "a first name")
    options = {"Method": "full", "SampleRate": 100, "ThreadCount": 2}
    shop = {"DbName": "shop", "DbMode": "partial", "TableMode": "all"}
    objects = {"ObjectMode": "partial", "ObjectItems": [shop]}
    modified = {"TaskName": "a second name", "ObjectMode": "partial", "Objects": objects, "Options": options}
    steps.succeeds(step + ":modify", actions.modify, {**check, **modified})
    steps.succeeds(step + ":rename", actions.rename, {**check, "TaskName": ENDS})
    item = only(steps.succeeds(step + ":renamed", actions.list, check).body["Items"])
    steps.expect(step + ":renamed", item["TaskName"] == ENDS, f"the name came back as {item['TaskName']!r}")
    steps.refused(step + ":delete-new", actions.delete, check, DENIED)
    steps.succeeds(step + ":start", actions.start, check)
    status(steps, actions, step + ":ended", check, "success")
    report = steps.succeeds(step + ":report", actions.report, {**check, "DifferenceLimit": 10}).body["Abstract"]
    steps.expect(step + ":report", report["Conclusion"] == "same", f"no difference, not {report!r}")
    differences = steps.succeeds(step + ":differences", actions.differences, check).body
    steps.expect(step + ":differences", differences["TotalCount"] == 0, "no rows")
    steps.refused(step + ":start-ended", actions.start, check, DENIED)
    delete(steps, actions, step + ":delete", check)
    steps.refused(step + ":start-deleted", actions.start, check, NOT_FOUND)


def stopped(steps: Steps, actions: Actions, job: str):
    step = actions.prefix + "-second"
    check = create(steps, actions, step, job, "stopped")
    steps.succeeds(step + ":start", actions.start, check)
    status(steps, actions, step + ":running", check, "running")
    steps.refused(step + ":delete-running", actions.delete, check, DENIED)
    steps.succeeds(step + ":stop", actions.stop, {**check, "ForceStop": False})
    status(steps, actions, step + ":stopped", check, "canceled")
    steps.refused(step + ":stop-stopped", actions.stop, check, DENIED)
    delete(steps, actions, step + ":delete", check)


def create(steps: Steps, actions: Actions, step: str, job: str, name: str) -> dict[str, str]:
    """A new check, as every call about it names it."""
    wanted = {"JobId": job, "TaskName": name, "ObjectMode": "sameAsMigrate"}
    made = steps.succeeds(step, actions.create, wanted).body.get("CompareTaskId") or ""
    steps.expect(step, made.startswith(job + "-cmp-"), f"the id begins with its job's, not {made!r}")
    check = {"JobId": job, "CompareTaskId": made}
    status(steps, actions, step + ":created", check, "created")
    return check


def delete(steps: Steps, actions: Actions, step: str, check: dict[str, str]):
    steps.succeeds(step, actions.delete, check)
    reaches(steps, step + "d", actions.list, check, lambda body: body["TotalCount"], 0)


def status(steps: Steps, actions: Actions, step: str, check: dict[str, str], wanted: str):
    reaches(steps, step, actions.list, check, lambda body: only(body["Items"]).get("Status"), wanted)
