"""Run a program and say on the last line what it took: seconds, and memory at its peak in kilobytes.

What a process had before it became another program counts as that one's peak, too. So what is measured is started from
here, where there is nothing: python -IS benchmarks/peak.py PROGRAM …
"""

import resource
import subprocess
import sys
import time

began = time.perf_counter()
code = subprocess.call(sys.argv[1:])
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
