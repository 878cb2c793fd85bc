"""Where the program starts: a Ctrl-C while it is still loading is as quiet as a later one."""

import os
import sys

INTERRUPTED = 130


def main() -> None:
    """Load the command line and run it."""
    # The matrices are small: several threads would only wait for each other. To be set before numpy is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from bayes_ivig import cli

        cli.main()
    except KeyboardInterrupt:
        print("bayes-ivig: stopped; earlier results are unchanged", file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
