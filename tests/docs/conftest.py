"""The helpers of these tests live beside them, the site's extensions in docs/, files of other programs in formats/."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "formats"), str(HERE.parents[1] / "docs" / "extensions")]
