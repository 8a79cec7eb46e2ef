"""The life of a migration: configured, started, suspended, started again, stopped, deleted."""

from typing import Any

from sdk_aliyun import REGION
from steps import AWKWARD_NAME, Steps, reaches

# In a state that does not allow it; of a task that nobody has. Each is said by the gateway as by the cloud.
DENIED, NO_JOB = "OperationDenied.JobStatus", "InvalidJobId"

DETAIL = "DescribeDtsJobDetail"


def live(steps: Steps):
    name = steps.named(AWKWARD_NAME)
    job = configure(steps, "configure", name)
    one, instance = {"DtsJobId": job}, {"MigrationJobId": "dts" + job}
    listed(steps, job, name)
    steps.succeeds("start", "StartDtsJob", one)
    status(steps, "running", job, "Migrating")
    as_migration(steps, instance)
    # The first is refused by whom it is sent to, or by a gateway that enforces what was inferred; the others are documented.
    steps.refused("start-running", "StartDtsJob", one, DENIED)
    steps.refused("start-migration-running", "StartMigrationJob", instance, DENIED)
    status(steps, "still-running", job, "Migrating")
    steps.succeeds("suspend", "SuspendDtsJob", one)
    status(steps, "suspended", job, "Suspending")
    steps.refused("stop-migration-suspended", "StopMigrationJob", instance, DENIED)
    steps.succeeds("start-again", "StartMigrationJob", instance)
    status(steps, "running-again", job, "Migrating")
    steps.succeeds("stop", "StopDtsJob", one)
    status(steps, "stopped", job, "Finished")
    steps.succeeds("delete", "DeleteDtsJob", one)
    steps.refused("detail-gone", DETAIL, one, NO_JOB)


def listed(steps: Steps, job: str, name: str):
    """The list is a bare array, whatever its neighbours do, and holds the name as it was written."""
    step, params = "list", {"Region": REGION, "DtsJobId": job, "PageSize": 20, "PageNumber": 1}
    jobs = steps.succeeds(step, "DescribeDtsJobs", params).body["DtsJobList"]
    steps.expect(step, isinstance(jobs, list) and len(jobs) == 1, f"an array of one, not {jobs!r}")
    steps.expect(step, (jobs[0]["DtsJobId"], jobs[0]["DtsInstanceID"]) == (job, "dts" + job), "its ids")
    steps.expect(step, jobs[0]["DtsJobName"] == name, f"the name came back as {jobs[0]['DtsJobName']!r}")
    steps.expect(step, jobs[0]["MigrationMode"]["DataSynchronization"] is True, "what was configured")


def as_migration(steps: Steps, instance: dict[str, str]):
    """The same task by the action that three versions have; older ones are only for clients that take a version."""
    shown = steps.succeeds("job-status", "DescribeMigrationJobStatus", instance).body
    steps.expect("job-status", shown["MigrationJobStatus"] == "Migrating", f"not {shown['MigrationJobStatus']!r}")
    steps.expect("job-status", shown["MigrationJobId"] == instance["MigrationJobId"], "its id")
    steps.expect("job-status", isinstance(shown["PrecheckStatus"]["Detail"]["CheckItem"], list), "a wrapped array")
    for version in steps.sdk.older_versions:
        step = f"job-status-{version}"
        answer = steps.sdk.call(steps.key, "DescribeMigrationJobStatus", instance, version=version)
        shown = steps.report(step, answer, None).body
        steps.expect(step, shown["MigrationJobStatus"] == "Migrating", f"not {shown['MigrationJobStatus']!r}")


def configure(steps: Steps, step: str, name: str, key=None) -> str:
    """A new task that passed its check: without an id the action makes one."""
    made = steps.succeeds(step, "ConfigureDtsJob", configuration(name, steps.password), key).body
    job = made.get("DtsJobId") or ""
    steps.expect(step, job and made["DtsInstanceId"] == "dts" + job, f"two ids, not {made!r}")
    status(steps, step + ":checked", job, "PreCheckPass")
    return job


def status(steps: Steps, step: str, job: str, wanted: str):
    return reaches(steps, step, DETAIL, {"DtsJobId": job}, lambda body: body["Status"], wanted)


def configuration(name: str, password: str) -> dict[str, Any]:
    """Structure, data, then changes until it is stopped, from a MySQL of the caller's own into a cloud instance."""
    return {
        "DtsJobName": name,
        "JobType": "MIGRATION",
        "StructureInitialization": True,
        "DataInitialization": True,
        "DataSynchronization": True,
        "DelayRuleTime": 60,
        "SourceEndpointInstanceType": "other",
        "SourceEndpointEngineName": "MySQL",
        "SourceEndpointIP": "192.0.2.10",
        "SourceEndpointPort": "3306",
        "SourceEndpointUserName": "migrator",
        "SourceEndpointPassword": password,
        "SourceEndpointRole": "ram-for-dts",
        "DestinationEndpointInstanceType": "RDS",
        "DestinationEndpointEngineName": "MySQL",
        "DestinationEndpointInstanceID": "rm-bp1imrtn6fq7h****",
        "DestinationEndpointRegion": REGION,
        "DestinationEndpointUserName": "root",
        "DestinationEndpointPassword": password,
        "DestinationEndpointRole": "ram-for-dts",
        "DbList": '{"shop": {"name": "shop", "all": false, "Table": {"orders & more": {"name": "orders & more", "all": true}}}}',
    }
