#!/usr/bin/env bash
# Lays out every C++ file, new ones included, with clang-format-16; with --check only names those that would change.
set -euo pipefail
cd "$(dirname "$0")/.."

formatter=$(command -v clang-format-16 || command -v clang-format) || {
  echo "format: clang-format-16 is missing: sudo apt-get install clang-format-16" >&2
  exit 1
}
files=(src tests course)
case ${1:-} in
  --check) mode=(--dry-run --Werror) ;;
  '') mode=(-i) ;;
  *) echo "format: takes --check or nothing, not '$1'" >&2; exit 2 ;;
esac
git ls-files -z --cached --others --exclude-standard -- "${files[@]}" | grep -zE '\.(cpp|h|cu|cuh)$' | xargs -0 "$formatter" --style=file "${mode[@]}"
