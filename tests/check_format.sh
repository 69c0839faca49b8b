#!/usr/bin/env bash
# Fails on C++ that clang-format would change; `tests/check_format.sh --fix` changes it.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(--dry-run --Werror)
[[ ${1:-} != --fix ]] || mode=(-i)
git ls-files -z --cached --others --exclude-standard '*.cpp' '*.h' |
  xargs -0 -r clang-format-19 --style=file "${mode[@]}"
echo "format: ok"
