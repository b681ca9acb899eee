-- The warnings that stand today: of every loan in the book each signal once, as raised last.
with

standing as (
    select
        signals.lender,
        signals.loan_id,
        signals.signal,
        lenders.data_as_of as as_of_date,
        signals.raised_on,
        signals.detail
    from {{ ref('int_signal') }} as signals
    inner join {{ ref('int_lender') }} as lenders
        on
            signals.lender = lenders.lender
            and signals.raised_on <= lenders.data_as_of
            and coalesce(signals.lowered_on > lenders.data_as_of, true)
    inner join {{ ref('int_loan_state') }} as states
        on
            signals.lender = states.lender
            and signals.loan_id = states.loan_id
            and states.valid_to is null
            and not states.is_terminal
)

{{ newest_per_key(
    'standing', ['lender', 'loan_id', 'signal'], 'raised_on desc, detail',
    ['lender', 'loan_id', 'signal', 'as_of_date', 'raised_on', 'detail']
) }}
