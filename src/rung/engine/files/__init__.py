"""Files of containers: archives out of them and into them, what they have changed, images made of that.

Rule: a path is the container's and is resolved below its root by the kernel (``openat2`` with ``RESOLVE_IN_ROOT``),
however it swaps links meanwhile (CVE-2018-15664, CVE-2019-14271): nothing of the container is executed or loaded for
it.
"""
