comment on column marts.publication_lender.data_as_of is
'Business date of the lender''s newest accepted delivery, of one held back that of what is still shown (数据截止日)';
comment on column marts.publication_lender.is_stale is
'Whether its data was older than its calendar lets expect on the business date, or newer data was held back (是否过期)';
