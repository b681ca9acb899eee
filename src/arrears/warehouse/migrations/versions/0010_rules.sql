-- What the contract of a delivery says of its lender (modes, conventions, currency, zone). It holds once the delivery is
-- accepted.
alter table ops.delivery add column rules jsonb;
