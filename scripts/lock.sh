#!/usr/bin/env bash
# Resolves pyproject.toml into requirements/, with hashes, for every supported Python and system: `make lock`.
# Arguments go to uv: `--upgrade` moves every pin to its newest release; without it only what must move does.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly UV=uv==0.13.9

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work"
"$work/bin/python" -m pip install --quiet --disable-pip-version-check "$UV"

# One version of each package for all Pythons ("fewest"), so that what is tested on one is what runs on the others.
compile() { # OUTPUT ARGUMENTS...
  "$work/bin/uv" pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
    --no-emit-index-url --no-strip-extras --custom-compile-command 'make lock' "${upgrade[@]}" --output-file "requirements/$1" "${@:2}"
}
upgrade=("$@")
compile dev.txt pyproject.toml --extra train --extra serve --extra otel --extra excel --extra signatures --extra oidc --extra storage --extra mlflow --extra grpc --extra docs --extra dev
compile train.txt pyproject.toml --extra train --constraint requirements/dev.txt
compile serve.txt pyproject.toml --extra serve --constraint requirements/dev.txt
compile manifests.txt --group manifests
compile sbom.txt --group sbom
"$work/bin/python" -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])' |
  compile build.txt - --constraint requirements/dev.txt
