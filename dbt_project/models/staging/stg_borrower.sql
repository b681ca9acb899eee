{{ config(meta={'recomputed': 'stg_touched_borrower', 'recomputed_by': ['lender', 'borrower_id']}) }}
-- Borrowers as last sent. Also where they come as snapshots: a loan that has left still has a borrower.
with

newest as (
    {{ newest_rows(
        'borrower', touched_by='stg_touched_borrower', touched_key=['lender', 'borrower_id']
    ) | indent(4) }}
)

select
    newest.lender,
    newest.borrower_id,
    newest.birth_year,
    newest.gender,
    newest.province,
    newest.income_band,
    newest.identity_hash,
    newest.business_date,
    newest.delivery_id,
    newest.file_id,
    newest.line_no
from newest
