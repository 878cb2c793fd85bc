#!/usr/bin/env bash
# Whole commands, timed with hyperfine on warm caches (Debian: apt-get install hyperfine). Nothing is asserted.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE
uv sync --quiet
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export PATH="$PWD/.venv/bin:$PATH"
hyperfine --warmup 2 --runs 10 "bayes-ivig --help" "bayes-ivig data list" "bayes-ivig priors list"
hyperfine --warmup 1 --runs 5 "bayes-ivig fit strength --out $out"
bayes-ivig fit strength --out "$out" >/dev/null
echo "Where the time of a fit goes, in seconds (from run.json):"
python -c "import json, sys; print(json.load(open(sys.argv[1]))['seconds'])" \
    "$out/mmn-2007/strength/binomial-or-random/run.json"
