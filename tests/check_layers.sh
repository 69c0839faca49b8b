#!/usr/bin/env bash
# Fails on an include that points upwards: app -> simulation -> remediation -> platform -> exporter/model, and
# app -> exporter -> platform -> exporter/model. Decisions stay free of I/O, clocks and logging.
set -euo pipefail
cd "$(dirname "$0")/.."
bad=0

# forbid FOLDER REGEX WHY: no file in FOLDER may include what matches.
forbid() {
  local hits
  hits=$(grep -rnE "^#include \"($2)" "$1" --include='*.h' --include='*.cpp' || true)
  if [[ -n $hits ]]; then
    printf 'layer violation: %s\n%s\n' "$3" "$hits"
    bad=1
  fi
}

forbid exporter 'remediation/|simulation/|app/' 'exporter/ must not know remediation/ or app/'
forbid exporter/model '(platform|exporter/(sources|metrics|http))/' 'exporter/model/ stands on nothing of ours'
forbid platform '(remediation|simulation|app|exporter/(sources|metrics|http))/' 'platform/ knows exporter/model/ only'
forbid remediation '(app|simulation|exporter/(sources|metrics|http))/' 'remediation/ knows exporter/model/ and platform/ only'
forbid remediation/gates 'remediation/(rules|keepers|alerts)/' 'remediation/gates/ judge an action, whatever asks for it'
forbid remediation/rules 'remediation/(keepers|alerts)/' 'remediation/rules/ know the facts and the gates only'
forbid simulation '(app|exporter/(sources|metrics|http))/' 'simulation/ knows remediation/ and what that stands on'

# The deciding files: pure functions of their arguments.
pure=(remediation/plan.* remediation/intent.* remediation/history.* remediation/gates/* remediation/rules/*)
hits=$(grep -nE '#include <(fstream|iostream|filesystem|thread|mutex|sys/|unistd|libvirt|spdlog|random)|(steady|system)_clock::now|#include "(platform|remediation/(keepers|effects|journal|executor))' \
  "${pure[@]}" || true)
if [[ -n $hits ]]; then
  printf 'a decision does I/O, reads a clock or logs:\n%s\n' "$hits"
  bad=1
fi

if [[ $bad -eq 0 ]]; then echo "layers: ok"; fi
exit $bad
