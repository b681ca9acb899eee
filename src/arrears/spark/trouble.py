"""Trouble of Java's, whoever of Spark, Hadoop and the JDBC driver is in it, and what of it is worth a line."""

from __future__ import annotations

from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError
from pyspark.errors import PySparkException

GONE = (Py4JNetworkError, ConnectionError)  # at first, and when it is asked again
OF_JAVA = (PySparkException, Py4JError, *GONE)


def cause(error: Exception) -> str:
    """The first line of what went wrong in the end, without the rows that the driver's message may show."""
    if isinstance(error, GONE):
        return "its Java has ended (out of memory?)"
    if not isinstance(error, Py4JJavaError):
        return str(error).splitlines()[0]
    cause = error.java_exception
    while cause.getCause() is not None:
        cause = cause.getCause()
    return str(cause).splitlines()[0].partition("VALUES")[0]
