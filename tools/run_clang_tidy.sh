#!/usr/bin/env bash
# clang-tidy-16 on the C++ files that changed: against origin/main, or on main itself in the last commits; what was
# edited and not committed counts too. Newest first; starts no file after 240 s and says how many it left.
# usage: tools/run_clang_tidy.sh [--every | FILE...]
set -euo pipefail
cd "$(dirname "$0")/.."

n_last_commits=30
limit_s=240

# Each file as it is: without precompiled headers, which would hide a missing include, and compiled alone, by clang.
database=$(mktemp -d)
results=$(mktemp -d)
export database results
trap 'rm -rf "$results" "$database"' EXIT
cmake --preset clang-dev -B "$database" >"$database/log" 2>&1 || { cat "$database/log"; exit 1; }

changed_files() {
  local base
  base=$(git merge-base origin/main HEAD 2>/dev/null || true)
  if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then
    base=$(git rev-list --max-count="$n_last_commits" --first-parent HEAD | tail -n 1)
  fi
  git diff --name-only HEAD -- 'src/*' 'tests/*'
  git log --format= --name-only "$base..HEAD" -- 'src/*' 'tests/*'
}

# Those that are compiled, each once. A header is checked through the source that carries its name.
sources() {
  sed 's/\.h$/.cpp/' | awk '!seen[$0]++' | while IFS= read -r file; do
    if grep -qF "$PWD/$file\"" "$database/compile_commands.json"; then printf '%s\n' "$file"; fi
  done
}

case ${1:-} in
  '') list=$(changed_files | sources) ;;
  --every) list=$(git ls-files 'src/*.cpp' 'tests/*.cpp' | sources); limit_s=3600 ;;
  *) list=$(printf '%s\n' "$@" | sources) ;;
esac
[ -n "$list" ] || exit 0

export deadline=$(($(date +%s) + limit_s))
# clang-tidy counts suppressed warnings on stderr; what it finds is on stdout.
printf '%s\n' "$list" | xargs -P "$(nproc)" -I{} bash -c '
  if [ "$(date +%s)" -ge "$deadline" ]; then echo {} >>"$results/left"; exit 0; fi
  clang-tidy-16 --quiet -p "$database" {} 2>"$results/stderr.$$" || { grep -v "warnings* generated" "$results/stderr.$$"; exit 1; }' || status=$?
if [ -e "$results/left" ]; then
  echo "warning: clang-tidy: $(wc -l <"$results/left") of $(printf '%s\n' "$list" | wc -l) files left after $limit_s s"
fi
exit "${status:-0}"
