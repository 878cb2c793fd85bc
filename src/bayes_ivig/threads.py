"""One thread of linear algebra: more of them change the last digits of a sum, and fight for other workers' cores."""

from collections.abc import Callable
from functools import wraps

from threadpoolctl import threadpool_limits


def in_one_thread[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Have `function` compute with one thread, whatever the environment or the process around it says.

    What a worker does is wrapped in this, so that its answer is the same to the last bit in this process or in
    another, on this machine or in a cluster.
    """

    @wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        with threadpool_limits(1, user_api="blas"):
            return function(*args, **kwargs)

    return limited
