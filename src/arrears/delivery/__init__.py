"""A delivery: one lender, one business date, all its files as they lie in the landing folder."""

from arrears.delivery.fault import Fault
from arrears.delivery.files import Delivery, DeliveryFile

__all__ = ["Delivery", "DeliveryFile", "Fault"]
