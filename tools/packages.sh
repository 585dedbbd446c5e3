# Sourced by ./tiny: which system packages are missing, and how they are installed. Reads tools/packages.txt.

# The column of packages.txt that holds this system's names: 3 Debian, 4 Ubuntu, 5 Fedora, 6 brew.
package_column() {
  local id=
  if [ -r /etc/os-release ]; then id=$(. /etc/os-release && echo " $ID ${ID_LIKE:-} "); fi
  case $id in
    *" ubuntu "*) echo 4 ;;
    *" debian "*) echo 3 ;;
    *" fedora "* | *" rhel "*) echo 5 ;;
    *) if [ "$(uname -s)" = Darwin ]; then echo 6; else echo 3; fi ;;
  esac
}

# The packages for the given purposes (build, test, check, bench), one a line.
packages_for() {
  local purpose
  for purpose in "$@"; do
    awk -F'|' -v purpose="$purpose" -v column="$(package_column)" \
      '{ gsub(/ /, "") } $1 == purpose && $column != "-" { print $column }' "$root/tools/packages.txt"
  done
}

# Those of them that dpkg does not have, one a line.
missing_packages() {
  local installed package
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $(packages_for "$@") 2>/dev/null |
    awk '$1 == "installed" { print $2 }')
  for package in $(packages_for "$@"); do
    printf '%s\n' "$installed" | grep -qxF "$package" || echo "$package"
  done
}

# True when the user, asked once, allows `sudo apt-get install`.
may_install() {
  [ -n "$assume_yes" ] && return
  [ -t 0 ] && [ -t 2 ] || return 1
  local answer
  printf 'tiny: install them with sudo apt-get? [Y/n] ' >&2
  read -r answer
  case $answer in [nN]*) return 1 ;; esac
}

# Installs what is missing for the given purposes, or says which packages those are and stops.
install_packages() {
  local missing sudo= log=$root/build/packages.log
  if ! command -v dpkg-query >/dev/null 2>&1; then
    # Not a Debian system: what is there cannot be asked in one way, so trust it until the build says otherwise.
    [ -f "$root/build/packages.hint" ] && return
    mkdir -p "$root/build" && touch "$root/build/packages.hint"
    say "packages that the build needs, if they are not there yet: $(echo $(packages_for "$@"))"
    return
  fi
  missing=$(echo $(missing_packages "$@"))
  [ -z "$missing" ] && return
  say "missing packages: $missing"
  if [ "$(id -u)" != 0 ]; then sudo=sudo; fi
  may_install || die "install them first: ${sudo:+sudo }apt-get install $missing"
  mkdir -p "$root/build"
  say "installing (log: $log)"
  {
    $sudo apt-get update
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
  } >"$log" 2>&1 </dev/null || die "apt-get failed: $(grep '^E:' "$log" | tail -n 1) (log: $log)"
}
