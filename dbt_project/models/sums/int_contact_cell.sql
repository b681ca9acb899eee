-- Days of which a build recomputes how contacts kept to the rules: an action, or whether it broke one, has changed.
select
    lender,
    acted_on as contact_on
from {{ changed('int_contact_check') }} as checks
group by lender, acted_on
