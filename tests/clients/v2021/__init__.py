"""What a user of Tencent DTS 2021-12-06 does, step by step, and what must come of each step: the lives of a migration, a
sync, their consistency checks and a subscription, one file each, and what is refused."""

from steps import Steps

from . import migration, refusals, subscription, sync
from .names import LIST_ACTION
from .refusals import refused_careful, refused_purchase, refused_reader

__all__ = ["LIST_ACTION", "refused_careful", "refused_purchase", "refused_reader", "run"]


def run(steps: Steps):
    """Every life, and every refusal that needs no flag."""
    steps.succeeds("list", LIST_ACTION, {"Limit": 1, "Offset": 0})
    migration.live(steps)
    sync.live(steps)
    subscription.live(steps)
    steps.refused_callers()
    refusals.refused_calls(steps)
