"""Where the program starts: a Ctrl-C while it is still loading is as quiet as a later one."""

import os
import sys

INTERRUPTED = 130


def main() -> None:
    """Load the command line and run it."""
    # Several threads would only wait for each other, the matrices are small, and move the last digits of the results.
    # To be set before numpy is imported; processes started from here inherit it.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    try:
        from bayes_ivig import cli

        cli.main()
    except KeyboardInterrupt:
        print("bayes-ivig: stopped; earlier results are unchanged", file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
