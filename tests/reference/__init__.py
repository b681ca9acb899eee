"""An independent reckoning of every fact and mart: plain Python, loan by loan and day by day.

It shares nothing with the models but the seeds, which are data. What rules is in `conventions`, `schedule` and `clock`;
what payments settle in `settlement`; what is short of it in `ledger`; what that makes of a loan on a day in
`delinquency`; the tables in `facts` and in a module for each family of marts. `reckoning.reckon` gives them all.

A loan of 24 months takes some 11 ms and, while its book is reckoned, 0.7 MB: hand over large books in parts.
"""
