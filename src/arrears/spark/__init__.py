"""Building on Spark: the same models, run by a cluster on the lake's Parquet files; Postgres gets the candidate.

Runs in an environment of its own (requirements/spark.lock), which has dbt and pyspark and nothing else that
arrears needs: what is imported here is there, or in the standard library. `arrears build` starts it (arrears.engine).
"""
