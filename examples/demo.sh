#!/usr/bin/env bash
# Retention, seen once: a small log, from its first configuration to a page about what went.
# `make demo` runs it. All but the page is in a folder of its own, which is removed at the end.
set -euo pipefail

project=${PROJECT:-$(cd "$(dirname "$0")/.." && pwd)}
page=$project/build/demo.html
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$project/build"
cd "$folder"
export XDG_STATE_HOME=$folder/state XDG_CONFIG_HOME=$folder/config

# show WHAT COMMAND: says what the command shows, echoes it and runs it; a refusal (5) is part of the show.
show() {
  printf '\n# %s\n$ %s\n' "$1" "${2//"$project/"/}"
  bash -o pipefail -c "$2" || [ $? = 5 ]
}

python "$project/benchmarks/generate.py" audit --size 2MiB --segments 2 --until 2026-11-24T00:00:00Z > /dev/null
rm audit/logs_schemas.jsonl
now='--now 2026-11-24T00:00:00Z'

show 'A log of 400 days in 2 segments. Look at it: whose it is, and which schemas it has.' \
  'asynclog init audit/logs.jsonl'
show 'So far all are kept for ever. Decide: two of them get a number of days.' \
  "sed -i '/debug_logs/,+2 s/null/30/; /version: 2/,+1 s/null/90/' audit-schemas.yaml
grep -A 2 -E 'debug_logs|endpoints' audit-schemas.yaml"
show 'Check which rule governs what.' 'asynclog check'
show 'What goes now and later, and what 60 days would do for debug_logs.' \
  "asynclog estimate $now --retention debug_logs=60"
show 'The dry run, with its plan, and a page to look at. Nothing is touched.' \
  "asynclog cleanup $now --dry-run --plan-out plan.json --html $page"
show 'The plan, and no more. Most of the log expired long ago, so a guard asks whether this is meant.' \
  "asynclog apply plan.json $now"
show 'It is. For programs: --json.' \
  "asynclog apply plan.json $now --allow-delete-percent 95 --json | python -m json.tool | sed -n 1,22p"
show 'Why what is left is still there, and until when.' "asynclog explain $now"
show 'The last runs.' 'asynclog history'
printf '\n# The page: %s\n' "${page#"$project"/}"
