"""Codes of 2021-12-06 that more than one life meets, and how a task's state is waited for."""

from typing import Any, Callable

from steps import Steps

LIST_ACTION = "DescribeMigrationJobs"

# Six actions on migrations have kept the codes of 2018-03-30, StartMigrateJob and StopMigrateJob among them.
NOT_ALLOWED, NO_JOB = "FailedOperation.NotAllowOperation", "ResourceNotFound.JobNotExist"
DENIED, NOT_FOUND = "OperationDenied.OperationDeniedError", "ResourceNotFound.ResourceNotFoundError"
UNAUTHORIZED = "AuthFailure.UnauthorizedOperation"


def reaches(steps: Steps, step: str, action: str, params: dict, what: Callable[[dict[str, Any]], Any], wanted: Any):
    """Reads until `what` it looks at of the answer is as wanted."""
    return steps.until(
        step,
        action,
        params,
        lambda body: what(body) == wanted,
        lambda body: f"it is {what(body)!r}, not {wanted!r}",
    )


def only(items: list[dict[str, Any]]) -> dict[str, Any]:
    """The one item of a list about one task; of a task that is gone there is nothing."""
    return items[0] if items else {}
