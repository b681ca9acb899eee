"""Publishing: the candidate's differences written into `published` in one transaction."""

from arrears.publish.publisher import PublishResult, publish

__all__ = ["PublishResult", "publish"]
