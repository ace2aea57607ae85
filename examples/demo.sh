#!/usr/bin/env bash
# Retention, seen once: a small log, from its first configuration to a page about what went.
# `make demo` runs it; with asynclog installed, `bash demo.sh PAGE.html` does (without PAGE: asynclog-demo.html).
# All but the page is in a folder of its own, which is removed at the end.
set -euo pipefail

name=${1:-asynclog-demo.html}
page=$(printf %q "$(realpath "$name")")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# Whatever this shell is set up for: no profile of another configuration, and nothing is remembered of this log.
unset ASYNCLOG_PROFILE MXCP_PROFILE STATE_DIRECTORY
export XDG_STATE_HOME=$folder/state

# show WHAT COMMAND: says what the command shows, echoes it and runs it; a refusal (5) is part of the show.
show() {
  printf '\n# %s\n$ %s\n' "$1" "${2//"$page"/"$name"}"
  bash -o pipefail -c "$2" 2>&1 || [ $? = 5 ]
}

mkdir audit
python3 - <<'END'
import datetime, json

start, often = datetime.datetime(2025, 10, 20), {"debug_logs": 6, "api_operations": 12, "legal": 96}  # hours between two
for first, end, segment in ((0, 4800, "logs-20251020T000000.jsonl"), (4800, 9600, "logs.jsonl")):
    with open("audit/" + segment, "w") as file:
        for hour in range(first, end):
            for schema, hours in often.items():
                if hour % hours == 0 and (schema != "legal" or hour > 4800):
                    time = start + datetime.timedelta(hours=hour)
                    key = {"schema_name": schema, "schema_version": 1, "timestamp": time.isoformat() + "Z"}
                    print(json.dumps(key | {"caller": "demo", "input": "x" * 700}), file=file)
END
now='--now 2026-11-24T00:00:00Z'

show 'A log of 400 days in 2 segments. Look at it: whose it is, and which schemas it has.' \
  'asynclog init audit/logs.jsonl'
show 'So far all are kept for ever. Decide: two of them get a number of days.' \
  "sed -i '/debug_logs/,+2 s/null/30/; /api_operations/,+2 s/null/90/' audit-schemas.yaml
grep -A 2 schema_name: audit-schemas.yaml"
show 'Check which rule governs what.' 'asynclog check'
show 'What goes now and later, and what 60 days would do for debug_logs.' \
  "asynclog estimate $now --retention debug_logs=60"
show 'The dry run, with its plan, and a page to look at. Nothing is touched.' \
  "asynclog cleanup $now --dry-run --plan-out plan.json --html $page"
show 'The plan, and no more. Most of the log expired long ago, so a guard asks whether this is meant.' \
  "asynclog apply plan.json $now"
show 'It is. For programs: --json.' \
  "asynclog apply plan.json $now --allow-delete-percent 95 --json | python3 -m json.tool | sed -n 1,20p"
show 'Why what is left is still there, and until when.' "asynclog explain $now"
show 'The last runs.' 'asynclog history'
printf '\n# The page, for a browser: %s\n' "$name"
