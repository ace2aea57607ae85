#!/usr/bin/env bash
# Retention, seen once: a small archive, a dry run, the cleanup, and a second run that has nothing left to do.
# `make demo` runs it. It works in a folder of its own, which is removed at the end.
set -euo pipefail

project=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# show WHAT COMMAND: says what the command shows, echoes it and runs it.
show() {
  printf '\n# %s\n$ %s\n' "$1" "${2//"$project/"/}"
  bash -o pipefail -c "$2"
}

job='asynclog cleanup --path logs.jsonl --now 2026-11-24T00:00:00Z'

show 'An archive of 400 days: 2 segments, 6 schemas. The generator counts by itself what has expired.' \
  "python $project/benchmarks/generate.py . --size 1MiB --segments 2"
show 'The policy: MXCP writes it beside the log. One schema is kept for ever; orphan:1 has no rule, so it stays too.' \
  "cut -d , -f 1,2,4 logs_schemas.jsonl"
show 'The dry run: nothing is touched, and the numbers are the numbers of the run.' "$job --dry-run"
show 'The same for programs.' "$job --dry-run --json | python -m json.tool --compact"
show 'The cleanup. Two thirds of the archive expired long ago; from 1,000 such records on a guard asks whether this is meant.' \
  "$job --json --allow-delete-percent 70 | python -m json.tool"
show 'A second run has nothing to do.' "$job | sed -n 1,3p"
show 'The same for programs.' "$job --json | python -m json.tool --compact"
