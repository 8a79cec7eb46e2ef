"""What a user of Alibaba's DTS 2020-01-01 does, step by step, and what must come of each step: the life of a migration, seen
through the older versions too, and what is refused."""

from steps import Steps

from . import migration, refusals
from .refusals import refused_limited, refused_own, refused_reader

__all__ = ["LIST_ACTION", "refused_limited", "refused_own", "refused_reader", "run"]

LIST_ACTION = "DescribeDtsJobs"


def run(steps: Steps):
    """Every refusal that needs no flag, and the life."""
    steps.refused_callers()
    refusals.refused_signatures(steps)
    refusals.refused_calls(steps)
    refusals.in_xml(steps)
    migration.live(steps)
