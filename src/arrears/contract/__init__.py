"""Contracts: what each lender delivers, as Data Package descriptors under lenders/."""

from arrears.contract.find import LenderSummary, contract_for, lenders
from arrears.contract.model import Contract
from arrears.contract.read import read_contract

__all__ = ["Contract", "LenderSummary", "contract_for", "lenders", "read_contract"]
