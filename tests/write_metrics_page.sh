#!/usr/bin/env bash
# Writes the tables of docs/metrics.md as the program prints them.
#
#   tests/write_metrics_page.sh [PROGRAM]    build/release/upkeep by default
set -euo pipefail
cd "$(dirname "$0")/.."
tables=$(mktemp)
trap 'rm -f "$tables"' EXIT
"${1:-build/release/upkeep}" metrics --markdown >"$tables"
sed -i -e "/^<!-- begin: upkeep metrics/r $tables" -e '/^<!-- begin: upkeep metrics/,/^<!-- end/{//!d}' docs/metrics.md
