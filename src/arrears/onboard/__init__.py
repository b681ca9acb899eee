"""A first draft of a lender's contract from sample files, to be finished by hand."""

from arrears.onboard.draft import Draft, OpenPlace, onboard

__all__ = ["Draft", "OpenPlace", "onboard"]
