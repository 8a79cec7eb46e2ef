"""Codes of 2021-12-06 that more than one life meets."""

from typing import Any

LIST_ACTION = "DescribeMigrationJobs"

# Six actions on migrations have kept the codes of 2018-03-30, StartMigrateJob and StopMigrateJob among them.
NOT_ALLOWED, NO_JOB = "FailedOperation.NotAllowOperation", "ResourceNotFound.JobNotExist"
DENIED, NOT_FOUND = "OperationDenied.OperationDeniedError", "ResourceNotFound.ResourceNotFoundError"
UNAUTHORIZED = "AuthFailure.UnauthorizedOperation"


def only(items: list[dict[str, Any]]) -> dict[str, Any]:
    """The one item of a list about one task; of a task that is gone there is nothing."""
    return items[0] if items else {}
