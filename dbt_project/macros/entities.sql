{#- What lenders deliver, as staging takes it: `key` tells the rows of an entity apart (beside the lender), `columns` are
    what a row says. `of_loan`: a snapshot of it says everything about a loan, so what the next one leaves out was
    withdrawn. `first_stands`: what is appended was said once and stands. -#}
{% macro entity(name) -%}
    {%- set entities = {
        'loan': {
            'key': ['loan_id'],
            'columns': [
                'loan_id', 'borrower_id', 'product', 'purpose', 'channel', 'funder', 'currency', 'principal',
                'annual_rate', 'term_months', 'repayment_method', 'disbursed_on', 'first_due_on', 'maturity_on',
                'credit_score', 'risk_grade',
            ],
        },
        'borrower': {
            'key': ['borrower_id'],
            'columns': ['borrower_id', 'birth_year', 'gender', 'province', 'income_band', 'identity_hash'],
        },
        'instalment': {
            'key': ['loan_id', 'schedule_version', 'instalment_no'],
            'columns': [
                'loan_id', 'schedule_version', 'instalment_no', 'due_on', 'principal_due', 'interest_due', 'fee_due',
                'penalty_due', 'effective_on',
            ],
            'of_loan': true,
        },
        'payment': {
            'key': ['payment_id'],
            'columns': [
                'payment_id', 'loan_id', 'instalment_no', 'value_on', 'posted_on', 'kind', 'amount', 'principal',
                'interest', 'fee', 'penalty', 'reverses_payment_id', 'channel',
            ],
            'of_loan': true,
            'first_stands': true,
        },
        'loan_event': {
            'key': ['loan_id', 'event_on', 'kind'],
            'columns': ['loan_id', 'event_on', 'kind', 'amount', 'detail'],
            'of_loan': true,
        },
        'collection_action': {
            'key': ['action_id'],
            'columns': [
                'action_id', 'loan_id', 'acted_at', 'channel', 'agency', 'connected', 'party', 'outcome',
                'promised_amount', 'promised_on', 'complaint',
            ],
            'of_loan': true,
        },
        'reported_position': {
            'key': ['loan_id', 'as_of'],
            'columns': ['loan_id', 'as_of', 'outstanding_principal', 'overdue_principal', 'dpd', 'status'],
        },
    } -%}
    {{ return(entities[name]) }}
{%- endmacro %}
