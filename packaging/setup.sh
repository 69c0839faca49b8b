# shellcheck shell=bash
# For ./run, ./test and .ci/run: installs what is missing and builds. Sourced, from the repository's
# root; asks nothing and is silent about what is there already.

# What one clone compiled serves the next one: ccache then sees paths relative to the clone.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# as_root COMMAND...: as root, through sudo where needed.
as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "this needs root: $* (install sudo, or run as root)"
  fi
}

# Runs apt-get so that it never asks, waits for another apt-get to end, and starts no service.
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"
}

# Refreshes apt's package lists, once at most.
refresh_lists() {
  [[ -z ${lists_are_fresh:-} ]] || return 0
  say "apt-get update"
  apt_get update
  lists_are_fresh=yes
}

# install_missing LIST...: what of packaging/packages/LIST is not installed yet.
install_missing() {
  command -v dpkg-query >/dev/null ||
    die "this is no Debian; what upkeep needs is listed in packaging/packages/*.txt"
  local wanted missing
  mapfile -t wanted < <(sed 's/#.*//; /^$/d' "${@/#/packaging/packages/}" | sort -u)
  mapfile -t missing < <(comm -23 <(printf '%s\n' "${wanted[@]}") <(
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null |
      sed -n 's/^installed //p' | sort -u))
  [[ ${#missing[@]} -gt 0 ]] || return 0
  refresh_lists
  say "apt-get install ${missing[*]}"
  apt_get install -y --no-install-recommends "${missing[@]}" </dev/null
}

# know_packages FILE: refreshes apt's package lists unless they have all of these, which are only
# downloaded.
know_packages() {
  local name
  while read -r name; do
    apt-cache show "$name" >/dev/null 2>&1 || refresh_lists
  done < <(sed 's/#.*//; /^$/d' "$1")
}

# Finds the programs of others that tests run: Prometheus's, Alertmanager's and the fronts for TLS. Or
# unpacks Debian's into build/tools: installing the packages would start services. Sets PROMTOOL,
# PROMETHEUS, AMTOOL, ALERTMANAGER, NGINX and STUNNEL4.
find_tools() {
  find_tool PROMTOOL promtool prometheus
  find_tool PROMETHEUS prometheus prometheus
  find_tool AMTOOL amtool prometheus-alertmanager
  find_tool ALERTMANAGER prometheus-alertmanager prometheus-alertmanager \
    share/prometheus/alertmanager
  find_tool NGINX nginx nginx
  find_tool STUNNEL4 stunnel4 stunnel4
}

# find_tool VARIABLE PROGRAM PACKAGE [FOLDER]: FOLDER, below /usr, is what the program takes besides.
find_tool() {
  local -n found=$1
  local program=$2 package=$3 besides=${4:-} scratch
  found=$(command -v "$program" || true)
  export "${1?}"
  [[ -z $found ]] || return 0
  found=$PWD/build/tools/usr/bin/$program
  [[ ! -x $found || ! -e $PWD/build/tools/usr/$besides ]] || return 0
  apt-cache show "$package" >/dev/null 2>&1 || refresh_lists
  say "unpacking Debian's $package into build/tools"
  scratch=$(mktemp -d)
  (cd "$scratch" && apt-get -qq download "$package" 2>/dev/null && dpkg-deb -x "$package"_*.deb tree) ||
    die "can't download Debian's $package package, which has $program"
  mkdir -p build/tools/usr/bin "build/tools/usr/$(dirname "$besides")"
  find "$scratch"/tree/usr/{bin,sbin} -type f -exec cp -t build/tools/usr/bin {} + 2>/dev/null || true
  [[ -x $found ]] || die "Debian's $package has no $program"
  [[ -z $besides ]] || cp -r "$scratch/tree/usr/$besides" "build/tools/usr/$(dirname "$besides")"
  rm -rf "$scratch"
}

# Installs Node and npm, with which the dashboards are built, unless there is one from elsewhere.
find_npm() {
  command -v npm >/dev/null || {
    refresh_lists
    say "apt-get install nodejs npm"
    apt_get install -y --no-install-recommends nodejs npm </dev/null
  }
}

# build PRESET [TARGET...]: configures where that was not done yet, builds with all cores.
build() {
  local preset=$1
  shift
  if [[ ! -e build/$preset/build.ninja ]]; then
    say "configuring build/$preset"
    mkdir -p build
    cmake --preset "$preset" >build/configure.log 2>&1 || {
      cat build/configure.log
      die "cmake failed"
    }
  fi
  say "building build/$preset"
  cmake --build "build/$preset" ${1:+--target "$@"}
}
