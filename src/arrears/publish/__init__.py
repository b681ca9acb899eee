"""Publishing: the candidate's differences written into `published` in one transaction. Going back, and comparing."""

from arrears.publish.approval import Approval, approve, standing
from arrears.publish.comparison import PublicationDifference, compare
from arrears.publish.publisher import publish, published_day, rollback
from arrears.publish.record import PublishResult
from arrears.publish.retention import retain

__all__ = [
    "Approval",
    "PublicationDifference",
    "PublishResult",
    "approve",
    "compare",
    "publish",
    "published_day",
    "retain",
    "rollback",
    "standing",
]
