"""The life of a sync: one paid by use that is changed, stopped and given back, and one paid in advance that begins again."""

from typing import Any

from steps import Steps, reaches

from . import compare
from .names import DENIED, NOT_FOUND, only

LIST = "DescribeSyncJobs"


def live(steps: Steps):
    job = buy(steps, "sync-buy", {"PayMode": "PostPay", "JobName": steps.named("paid by use")})
    changed(steps, job)
    given_back(steps, job)
    begun_again(steps)


def changed(steps: Steps, job: str):
    one = {"JobId": job}
    steps.refused("sync-start-unchecked", "StartSyncJob", one, DENIED)
    running(steps, "sync", job)
    steps.refused("sync-start-running", "StartSyncJob", one, DENIED)
    steps.succeeds("sync-pause", "PauseSyncJob", one)
    status(steps, "sync-paused", job, "Paused")
    steps.refused("sync-stop-paused", "StopSyncJob", one, DENIED)
    steps.succeeds("sync-continue", "ContinueSyncJob", one)
    status(steps, "sync-continued", job, "Running")
    steps.succeeds("sync-limit", "ModifySyncRateLimit", {**one, "DumpThread": 2, "LoadRps": 5000})
    steps.succeeds("sync-modify", "ModifySyncJobConfig", {**one, "DynamicObjects": objects("invoices")})
    steps.succeeds("sync-modify-check", "CreateModifyCheckSyncJob", one)
    check = ("DescribeModifyCheckSyncJobResult", one)
    reaches(steps, "sync-modify-check:passed", *check, lambda body: body["Status"], "success")
    steps.succeeds("sync-modify-start", "StartModifySyncJob", one)
    status(steps, "sync-modified", job, "Running")
    compare.live(steps, compare.OF_SYNC, job)
    steps.succeeds("sync-stop", "StopSyncJob", one)
    status(steps, "sync-stopped", job, "Stopped")
    steps.refused("sync-resume-stopped", "ResumeSyncJob", one, DENIED)
    steps.refused("sync-reset-paid-by-use", "ResetSyncJob", one, DENIED)


def given_back(steps: Steps, job: str):
    one = {"JobId": job}
    steps.refused("sync-destroy-paid", "DestroySyncJob", one, DENIED)
    steps.refused("sync-recover-paid", "RecoverSyncJob", one, DENIED)
    steps.succeeds("sync-isolate", "IsolateSyncJob", one)
    billing(steps, "sync-isolated", job, "Isolated")
    steps.refused("sync-isolate-isolated", "IsolateSyncJob", one, DENIED)
    steps.succeeds("sync-recover", "RecoverSyncJob", one)
    billing(steps, "sync-recovered", job, "Normal")
    destroy(steps, "sync", job)
    steps.refused("sync-start-gone", "StartSyncJob", one, NOT_FOUND)


def begun_again(steps: Steps):
    order = {"PayMode": "PrePay", "TimeSpan": 1, "AutoRenew": 0, "JobName": steps.named("paid in advance")}
    job = buy(steps, "prepaid-buy", order)
    one = {"JobId": job}
    running(steps, "prepaid", job)
    steps.refused("prepaid-reset-running", "ResetSyncJob", one, DENIED)
    steps.succeeds("prepaid-stop", "StopSyncJob", one)
    status(steps, "prepaid-stopped", job, "Stopped")
    steps.succeeds("prepaid-reset", "ResetSyncJob", one)
    status(steps, "prepaid-new", job, "UnInitialized")
    steps.refused("prepaid-start-new", "StartSyncJob", one, DENIED)
    steps.succeeds("prepaid-configure-again", "ConfigureSyncJob", configuration(job, "again", steps.password))
    status(steps, "prepaid-configured-again", job, "Initialized")
    check(steps, "prepaid-check-again", job)
    destroy(steps, "prepaid", job)


def buy(steps: Steps, step: str, more: dict[str, Any]) -> str:
    bought = steps.succeeds(step, "CreateSyncJob", {**ORDER, **more}).body.get("JobIds") or []
    steps.expect(step, len(bought) == 1, f"one id, not {bought!r}")
    status(steps, step + ":exists", bought[0], "UnInitialized")
    return bought[0]


def running(steps: Steps, prefix: str, job: str):
    name = steps.named(prefix)
    steps.succeeds(prefix + "-configure", "ConfigureSyncJob", configuration(job, name, steps.password))
    shown = status(steps, prefix + "-configured", job, "Initialized").body["JobList"][0]
    steps.expect(prefix + "-configured", shown["JobName"] == name, f"the name came back as {shown['JobName']!r}")
    check(steps, prefix + "-check", job)
    steps.succeeds(prefix + "-start", "StartSyncJob", {"JobId": job})
    status(steps, prefix + "-running", job, "Running")


def check(steps: Steps, step: str, job: str):
    steps.succeeds(step, "CreateCheckSyncJob", {"JobId": job})
    result = ("DescribeCheckSyncJobResult", {"JobId": job})
    reaches(steps, step + ":passed", *result, lambda body: body["Status"], "success")
    status(steps, step + ":state", job, "CheckPass")


def destroy(steps: Steps, prefix: str, job: str):
    one = {"JobId": job}
    steps.succeeds(prefix + "-isolate-for-good", "IsolateSyncJob", one)
    billing(steps, prefix + "-isolated-for-good", job, "Isolated")
    steps.succeeds(prefix + "-destroy", "DestroySyncJob", one)
    reaches(steps, prefix + "-gone", LIST, one, lambda body: body["TotalCount"], 0)


def status(steps: Steps, step: str, job: str, wanted: str):
    return reaches(steps, step, LIST, {"JobId": job}, lambda body: only(body["JobList"]).get("Status"), wanted)


def billing(steps: Steps, step: str, job: str, wanted: str):
    reaches(steps, step, LIST, {"JobIds": [job]}, lambda body: only(body["JobList"]).get("TradeStatus"), wanted)


ORDER = {
    "SrcDatabaseType": "mysql",
    "SrcRegion": "ap-guangzhou",
    "DstDatabaseType": "mysql",
    "DstRegion": "ap-guangzhou",
    "InstanceClass": "micro",
    "Count": 1,
}


def objects(table: str) -> dict[str, Any]:
    shop = {"DbName": "shop", "DbMode": "Partial", "TableMode": "Partial", "Tables": [{"TableName": table}]}
    return {"Mode": "Partial", "Databases": [shop]}


def configuration(job: str, name: str, password: str) -> dict[str, Any]:
    """From a MySQL of the caller's own into a cloud instance."""
    source = {"Ip": "192.0.2.10", "Port": 3306, "User": "reader", "Password": password}
    return {
        "JobId": job,
        "JobName": name,
        "JobMode": "liteMode",
        "RunMode": "Immediate",
        "SrcAccessType": "extranet",
        "SrcInfo": {"Region": "ap-guangzhou", **source},
        "DstAccessType": "cdb",
        "DstInfo": {"Region": "ap-guangzhou", "InstanceId": "cdb-e78e0nnv", "User": "root", "Password": password},
        "Objects": objects("orders"),
        "Options": {"InitType": "Full", "OpTypes": ["Insert", "Update"], "AddAdditionalColumn": False},
    }
