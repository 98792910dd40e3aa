#!/usr/bin/env bash
# Cases 25 and 26: what two built images hold and weigh, and that the one that serves runs as anybody, with no home.
#   check_images.sh SERVE_IMAGE TRAIN_IMAGE BUNDLES_FOLDER
# CONTAINER_ENGINE is the engine's command (default: docker).
set -euo pipefail
readonly serve=$1 train=$2 bundles=$(realpath "$3") here=$(realpath "$(dirname "$0")")
readonly SERVE_BUDGET_MB=600 TRAIN_BUDGET_MB=2500 # the one place where the budgets stand
read -ra engine <<<"${CONTAINER_ENGINE:-docker}"
readonly locked=(--rm --read-only --tmpfs /tmp --cap-drop ALL --network none --user 65532:65532
  --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 --env HOME=/nonexistent --volume "$here:/check:ro")

fail() { echo "check images: $*" >&2; exit 1; }
size_mb() { echo $(($("${engine[@]}" image inspect --format '{{.Size}}' "$1") / 1000000)); }

serve_mb=$(size_mb "$serve") train_mb=$(size_mb "$train")
((serve_mb <= SERVE_BUDGET_MB)) || fail "the serving image has $serve_mb MB, its budget is $SERVE_BUDGET_MB"
((train_mb <= TRAIN_BUDGET_MB)) || fail "the training image has $train_mb MB, its budget is $TRAIN_BUDGET_MB"
((2 * serve_mb <= train_mb)) || fail "the serving image has $serve_mb MB, more than half of $train_mb"
for image in "$serve" "$train"; do
  user=$("${engine[@]}" image inspect --format '{{.Config.User}}' "$image")
  [[ $user && $user != 0* && $user != root* ]] || fail "the user of $image is '$user'"
  "${engine[@]}" run "${locked[@]}" --entrypoint python "$image" /check/look_inside.py
done

"${engine[@]}" run "${locked[@]}" --entrypoint python "$serve" -c '
import importlib.util, sys
sys.exit(any(map(importlib.util.find_spec, ("tensorflow", "keras", "sklearn", "pandas"))))' ||
  fail "the serving image holds what only training needs"

id=$("${engine[@]}" run --detach "${locked[@]}" --volume "$bundles:/app/models/artifacts:ro" "$serve")
trap '"${engine[@]}" rm --force "$id" >/dev/null 2>&1 || true' EXIT
for _ in {1..100}; do
  "${engine[@]}" exec --env BASE_URL=http://127.0.0.1:8000 "$id" python /check/check_service.py 2>/dev/null && ready=yes && break
  sleep 0.2
done
[[ ${ready-} ]] || { "${engine[@]}" logs "$id" >&2; fail "as user 65532 without a home the service does not score"; }
# What the check asks for wrongly is refused, with a line.
! "${engine[@]}" logs "$id" 2>&1 | grep -v 'request failed .* status=4' | grep -iE 'warn|permission|cannot|read-only' ||
  fail "the log warns"

echo "check images: serving $serve_mb MB (at most $SERVE_BUDGET_MB), training $train_mb MB (at most $TRAIN_BUDGET_MB): passed"
