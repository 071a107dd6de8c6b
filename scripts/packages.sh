#!/usr/bin/env bash
# Installs the Debian 12 packages for building and testing, with apt-get, as root or through sudo. Does nothing if all are
# installed. LLVM 22 is only in the suite bookworm-security, which is enabled if necessary.
set -euo pipefail

packages=(
  ca-certificates
  clang-22          # not g++: see cmake/MLAFindMLIR.cmake
  clang-format-22   # scripts/check_style.py, a test
  cmake
  libgtest-dev
  liblld-22-dev
  libmlir-22-dev
  libzstd-dev       # required by LLVM's CMake files, like zlib1g-dev
  llvm-22-dev
  llvm-22-tools     # lit, FileCheck
  mlir-22-tools     # mlir-tblgen; mlir-opt, for the test of the plugin
  ninja-build
  pkgconf           # for the test of the installed runtime
  python3           # /usr/bin/python3, named by the presets, with the packages below
  python3-jsonschema # test/Report/json.test
  python3-numpy     # benchmarks/replay.py
  python3-setuptools # with the next two: test/Python/install.test
  python3-venv
  python3-wheel
  rapidjson-dev
  zlib1g-dev
)
case "${1:-}" in
  '') ;;
  --asan) packages+=(libclang-rt-22-dev) ;; # the presets asan, fuzz and tsan
  --deb) packages+=(dpkg-dev file) ;; # scripts/deb.sh
  *) echo "usage: scripts/packages.sh [--asan | --deb]" >&2; exit 2 ;;
esac

die() {
  printf 'error: packages: %s\n' "$@" >&2
  exit 1
}

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || true
  [[ $status == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

release=$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${VERSION_CODENAME:-}") || true
[[ $release == 'debian bookworm' ]] ||
  die "missing ${missing[*]}; only on Debian 12 can they be installed from here: install them, or their like, by hand"

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null ||
    die "missing ${missing[*]}; run as root: apt-get install --no-install-recommends ${missing[*]}"
  as_root=(sudo)
fi
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 "$@" </dev/null
}

is_known() {
  local package
  for package in "${missing[@]}"; do
    [[ $package != *-22* || $(apt-cache madison "$package") ]] || return 1
  done
}

# Derive the line of the suite from that of bookworm: …/debian becomes …/debian-security.
enable_security() {
  local uri list=/etc/apt/sources.list.d/bookworm-security.list
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' 'Codename: bookworm')
  uri=${uri%%$'\n'*} uri=${uri%/}
  [[ $uri == */debian && ! -e $list ]] ||
    die "no suite of apt's has LLVM 22; add to $list: deb <your mirror of debian-security> bookworm-security main"
  local line="deb $uri-security bookworm-security main"
  echo "packages: adding to $list: $line"
  echo "$line" | "${as_root[@]}" tee "$list" >/dev/null
  if ! apt update --error-on=any || ! is_known; then
    "${as_root[@]}" rm -f "$list"
    die "this suite brings no LLVM 22, and was taken out again: $line"
  fi
}

echo "packages: installing ${missing[*]}"
apt update
is_known || enable_security
apt install -y --no-install-recommends --no-remove "${missing[@]}"
