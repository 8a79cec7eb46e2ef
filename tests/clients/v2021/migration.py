"""The life of a migration: two are bought, one is completed, one is stopped."""

from typing import Any

from steps import AWKWARD_NAME, Steps, reaches

from . import compare
from .names import DENIED, LIST_ACTION, NO_JOB, NOT_ALLOWED, NOT_FOUND, only


def live(steps: Steps):
    name = steps.named(AWKWARD_NAME)
    first, second = buy(steps, "buy", {"JobName": name, "Count": 2})
    listed = steps.succeeds("bought", LIST_ACTION, {"JobName": name, "Limit": 20}).body
    found = {job["JobId"] for job in listed["JobList"]}
    steps.expect("bought", found == {first, second} and listed["TotalCount"] == 2, f"the two, not {found!r}")
    completed(steps, first, name + " 2")
    stopped(steps, second)
    given_back(steps, first)


def completed(steps: Steps, job: str, name: str):
    one = {"JobId": job}
    steps.refused("start-unchecked", "StartMigrateJob", one, NOT_ALLOWED)
    configure(steps, "configure", job, name)
    shown = steps.succeeds("configured", "DescribeMigrationDetail", one).body
    steps.expect("configured", shown["JobName"] == name, f"the name came back as {shown['JobName']!r}")
    steps.expect("configured", shown["DstInfo"]["Info"][0]["InstanceId"] == "cdb-e78e0nnv", "the target")
    check(steps, "check", job)
    steps.succeeds("start", "StartMigrateJob", one)
    status(steps, "running", job, "running")
    steps.refused("start-running", "StartMigrateJob", one, NOT_ALLOWED)
    steps.refused("configure-running", "ModifyMigrationJob", configuration(job, name, steps.password), DENIED)
    steps.succeeds("pause", "PauseMigrateJob", one)
    status(steps, "paused", job, "manualPaused")
    steps.refused("pause-paused", "PauseMigrateJob", one, DENIED)
    steps.succeeds("continue", "ContinueMigrateJob", one)
    status(steps, "continued", job, "running")
    steps.refused("complete-running", "CompleteMigrateJob", one, NOT_ALLOWED)
    # The last change while it is running: whoever plays the data that flows lets it come to an end from here.
    steps.succeeds("limit", "ModifyMigrateRateLimit", {**one, "DumpThread": 2, "LoadRps": 5000})
    status(steps, "ready-to-complete", job, "readyComplete")
    limited = steps.succeeds("limited", "DescribeMigrationDetail", one).body["RateLimitOption"]
    steps.expect("limited", limited["CurrentDumpThread"] == 2, f"two threads, not {limited!r}")
    steps.succeeds("complete", "CompleteMigrateJob", one)
    status(steps, "completed", job, "success")


def stopped(steps: Steps, job: str):
    one = {"JobId": job}
    configure(steps, "configure-second", job, steps.named("stopped"))
    check(steps, "check-second", job)
    steps.succeeds("start-second", "StartMigrateJob", one)
    status(steps, "running-second", job, "running")
    compare.live(steps, compare.OF_MIGRATION, job)
    steps.succeeds("stop", "StopMigrateJob", one)
    status(steps, "stopped", job, "canceled")
    steps.refused("resume-stopped", "ResumeMigrateJob", {**one, "ResumeOption": "normal"}, NOT_ALLOWED)
    steps.refused("check-stopped", "CreateCompareTask", one, DENIED)
    steps.succeeds("isolate-stopped", "IsolateMigrateJob", one)
    billing(steps, "stopped:isolated", job, "isolated")
    steps.succeeds("destroy-stopped", "DestroyMigrateJob", one)
    gone(steps, "stopped:gone", job)


def given_back(steps: Steps, job: str):
    one = {"JobId": job}
    steps.refused("destroy-paid", "DestroyMigrateJob", one, DENIED)
    steps.refused("recover-paid", "RecoverMigrateJob", one, DENIED)
    steps.succeeds("isolate", "IsolateMigrateJob", one)
    billing(steps, "isolated", job, "isolated")
    steps.refused("isolate-isolated", "IsolateMigrateJob", one, DENIED)
    steps.refused("resize-isolated", "ModifyMigrateJobSpec", {**one, "NewInstanceClass": "large"}, DENIED)
    steps.succeeds("recover", "RecoverMigrateJob", one)
    billing(steps, "recovered", job, "normal")
    steps.succeeds("resize", "ModifyMigrateJobSpec", {**one, "NewInstanceClass": "large"})
    billing(steps, "resized", job, "normal")
    steps.succeeds("isolate-again", "IsolateMigrateJob", one)
    billing(steps, "isolated-again", job, "isolated")
    steps.succeeds("destroy", "DestroyMigrateJob", one)
    gone(steps, "gone", job)
    steps.refused("start-gone", "StartMigrateJob", one, NO_JOB)
    steps.refused("detail-gone", "DescribeMigrationDetail", one, NOT_FOUND)


def buy(steps: Steps, step: str, more: dict[str, Any]) -> list[str]:
    bought = steps.succeeds(step, "CreateMigrationService", {**ORDER, **more}).body.get("JobIds") or []
    count = more.get("Count", 1)
    steps.expect(step, len(set(bought)) == count, f"{count} ids, not {bought!r}")
    return bought


def configure(steps: Steps, step: str, job: str, name: str):
    steps.succeeds(step, "ModifyMigrationJob", configuration(job, name, steps.password))


def check(steps: Steps, step: str, job: str):
    steps.succeeds(step, "CreateMigrateCheckJob", {"JobId": job})
    report = ("DescribeMigrationCheckJob", {"JobId": job})
    reaches(steps, step + ":passed", *report, lambda body: (body["Status"], body["CheckFlag"]), ("success", "checkPass"))
    status(steps, step + ":state", job, "checkPass")


def status(steps: Steps, step: str, job: str, wanted: str):
    reaches(steps, step, LIST_ACTION, {"JobId": job}, lambda body: only(body["JobList"]).get("Status"), wanted)


def billing(steps: Steps, step: str, job: str, wanted: str):
    detail = ("DescribeMigrationDetail", {"JobId": job})
    reaches(steps, step, *detail, lambda body: body["TradeInfo"]["TradeStatus"], wanted)


def gone(steps: Steps, step: str, job: str):
    reaches(steps, step, LIST_ACTION, {"JobId": job}, lambda body: body["TotalCount"], 0)


ORDER = {
    "SrcDatabaseType": "mysql",
    "DstDatabaseType": "mysql",
    "SrcRegion": "ap-guangzhou",
    "DstRegion": "ap-guangzhou",
    "InstanceClass": "medium",
}


def configuration(job: str, name: str, password: str) -> dict[str, Any]:
    """Structure, data, then changes until it is completed, from a MySQL of the caller's own into a cloud instance."""
    both = {"Region": "ap-guangzhou", "DatabaseType": "mysql", "NodeType": "simple"}
    source = {"Host": "192.0.2.10", "Port": 3306, "User": "migrator", "Password": password}
    target = {"InstanceId": "cdb-e78e0nnv", "User": "root", "Password": password}
    shop = {"DbName": "shop", "DBMode": "partial", "TableMode": "partial", "Tables": [{"TableName": "orders"}]}
    return {
        "JobId": job,
        "JobName": name,
        "RunMode": "immediate",
        "MigrateOption": {
            "MigrateType": "fullAndIncrement",
            "DatabaseTable": {"ObjectMode": "partial", "Databases": [shop]},
            "Consistency": {"Mode": "notConfigured"},
            "IsMigrateAccount": False,
        },
        "SrcInfo": {**both, "AccessType": "extranet", "Info": [source]},
        "DstInfo": {**both, "AccessType": "cdb", "Info": [target]},
        "Tags": [{"TagKey": "team", "TagValue": "payments & co"}],
    }
