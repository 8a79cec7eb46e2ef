"""What is refused apart from the lives: ids that nobody has, what is missing, and what only a gateway refuses."""

from answer import KeyPair
from steps import Steps

from . import migration
from .names import LIST_ACTION, NO_JOB, NOT_FOUND, UNAUTHORIZED


def refused_calls(steps: Steps):
    steps.refused("unknown-job", "StopMigrateJob", {"JobId": "dts-00000000"}, NO_JOB)
    steps.refused("unknown-sync", "StopSyncJob", {"JobId": "sync-00000000"}, NOT_FOUND)
    steps.refused("unknown-subscription", "ResetSubscribe", {"SubscribeId": "subs-00000000"}, NOT_FOUND)
    check = {"JobId": "dts-00000000", "CompareTaskId": "dts-00000000-cmp-00000000"}
    steps.refused("unknown-check", "StartCompare", check, NOT_FOUND)
    incomplete = migration.configuration("dts-00000000", "incomplete", steps.password)
    del incomplete["SrcInfo"]["AccessType"]  # deeper than tccli looks before it sends
    steps.refused("missing-parameter", "ModifyMigrationJob", incomplete, "MissingParameter")


def refused_reader(steps: Steps, reader: KeyPair):
    """Gateway only: a caller that may read and nothing else."""
    (job,) = migration.buy(steps, "buy-for-reader", {"JobName": steps.named("not the reader's")})
    steps.succeeds("reader-reads", LIST_ACTION, {"JobId": job}, reader)
    steps.refused("no-grant", "CreateMigrateCheckJob", {"JobId": job}, UNAUTHORIZED, reader)
    order = {**migration.ORDER, "JobName": steps.named("the reader's")}
    steps.refused("no-grant-to-buy", "CreateMigrationService", order, UNAUTHORIZED, reader)


def refused_careful(steps: Steps, careful: KeyPair):
    """Gateway only: a caller that may do everything but what can hurt, and a check that is another job's."""
    (job,) = migration.buy(steps, "buy-for-careful", {"JobName": steps.named("at work")})
    immediately = {"JobId": job, "CompleteMode": "immediately"}
    steps.refused("danger-by-value", "CompleteMigrateJob", immediately, UNAUTHORIZED, careful)
    steps.refused("danger-by-state", "IsolateMigrateJob", {"JobId": job}, UNAUTHORIZED, careful)
    forced = {"JobId": job, "CompareTaskId": f"{job}-cmp-00000000", "ForceStop": True}
    steps.refused("danger-by-flag", "StopCompare", forced, UNAUTHORIZED, careful)
    foreign = {"JobId": job, "CompareTaskId": "dts-00000000-cmp-00000000"}
    steps.refused("check-of-another", "DescribeCompareReport", foreign, UNAUTHORIZED, careful)


def refused_purchase(steps: Steps):
    """Gateway only: what was just bought, bought once more. By another name it is another purchase."""
    order = {"JobName": steps.named("bought once")}
    migration.buy(steps, "buy-once", order)
    steps.refused("buy-again", "CreateMigrationService", {**migration.ORDER, **order}, "FailedOperation")
    migration.buy(steps, "buy-another", {"JobName": steps.named("bought as well")})
