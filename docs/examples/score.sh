#!/usr/bin/env bash
# Scores with curl: bash score.sh [ADDRESS]
set -euo pipefail
service="${1:-http://127.0.0.1:8000}"

# A record that the detector knows: its own example.
card="$(curl --silent --show-error --fail "$service/detector")"
record="$(python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["example"]))' <<<"$card")"

echo "JSON, with the two columns that add most:"
curl --silent --show-error --fail-with-body "$service/score?explain=2" \
  --header 'Content-Type: application/json' --data "$record"
echo

echo "JSON lines in, CSV out:"
printf '%s\n%s\n' "$record" "$record" | gzip |
  curl --silent --show-error --fail-with-body "$service/score" \
    --header 'Content-Type: application/x-ndjson' --header 'Content-Encoding: gzip' \
    --header 'Accept: text/csv' --data-binary @-

echo "A record that lacks its fields:"
curl --silent --show-error "$service/score" --header 'Content-Type: application/json' --data '{}'
echo
