"""What is refused apart from the life: signatures that are used again or late, ids that nobody has, what is missing, and what
only a gateway refuses."""

from answer import Answer, KeyPair
from steps import Steps

from . import migration
from .migration import NO_JOB

FORBIDDEN = "Forbidden.RAM"

# Alibaba accepts a signed time that is 15 minutes old.
IN_TIME, TOO_LATE = 10 * 60, 16 * 60


def refused_signatures(steps: Steps):
    first, second = steps.sdk.twice(steps.key, *steps.listing(1))
    steps.report("sent-once", first, None)
    steps.report("sent-again", second, "SignatureNonceUsed")
    steps.report("slow-clock", steps.sdk.late(steps.key, *steps.listing(1), IN_TIME), None)
    steps.report("too-late", steps.sdk.late(steps.key, *steps.listing(1), TOO_LATE), "IllegalTimestamp")


def refused_calls(steps: Steps):
    steps.refused("unknown-job", "DescribeDtsJobDetail", {"DtsJobId": "nobodyhasthisid"}, NO_JOB)
    steps.refused("stop-unknown-job", "StopDtsJob", {"DtsJobId": "nobodyhasthisid"}, NO_JOB)
    steps.refused("missing-parameter", "StartMigrationJob", {}, "MissingParameter")


def in_xml(steps: Steps):
    """For clients that can be told to want it."""
    if "successes" in steps.sdk.reads_xml:
        action, params = steps.listing(1)
        answer = steps.report("xml", steps.sdk.in_xml(steps.key, action, params), None)
        steps.expect("xml", answer.type == action + "Response", f"the root is {answer.type}")
        steps.expect("xml", answer.body.get("PageNumber") == "1", f"its members, not {answer.body!r}")
    if "refusals" in steps.sdk.reads_xml:
        answer = steps.sdk.in_xml(steps.key, "StartMigrationJob", {})
        steps.report("xml-refused", answer, "MissingParameter")


def refused_reader(steps: Steps, reader: KeyPair):
    """Gateway only: a caller that may read and nothing else."""
    job = migration.configure(steps, "configure-for-reader", steps.named("not the reader's"))
    steps.succeeds("reader-reads", migration.DETAIL, {"DtsJobId": job}, reader)
    steps.refused("no-grant", "DeleteDtsJob", {"DtsJobId": job}, FORBIDDEN, reader)


def refused_own(steps: Steps, own: KeyPair):
    """Gateway only: a caller that may change tasks of its own, and names one of somebody else's among them."""
    foreign = migration.configure(steps, "configure-for-others", steps.named("not its own"))
    made = steps.succeeds("configure-own", "ConfigureDtsJob", migration.configuration(steps.named("its own"), "x"), own)
    mine = made.body["DtsJobId"]
    migration.status(steps, "configure-own:checked", mine, "PreCheckPass")
    both = {"DtsJobIds": f"{mine},{foreign}"}
    refusal = steps.refused("no-grant-for-one", "StartDtsJobs", both, FORBIDDEN, own)
    steps.expect("no-grant-for-one", foreign in refusal.message, "the one that is forbidden is named")
    steps.expect("no-grant-for-one", mine not in refusal.message, "and no other")
    migration.status(steps, "own-untouched", mine, "PreCheckPass")
    steps.succeeds("start-own", "StartDtsJobs", {"DtsJobIds": mine}, own)
    migration.status(steps, "own-running", mine, "Migrating")


def refused_limited(steps: Steps, limited: KeyPair):
    """Gateway only: a caller whose own limit is narrow. One SDK tells its user how long to wait."""
    refused: list[Answer] = steps.refused_limited(limited)
    kinds = {answer.type for answer in refused}
    steps.expect("too-fast", kinds == {steps.sdk.throttled}, f"{steps.sdk.throttled}, not {kinds}")
    if steps.sdk.throttled == "ThrottlingException":
        waits = [answer.retry_after_ms for answer in refused]
        steps.expect("too-fast", all(wait and 0 < wait <= 60_000 for wait in waits), f"milliseconds, not {waits!r}")
