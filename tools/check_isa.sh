#!/usr/bin/env bash
# Fails when an object of an instruction-set folder defines a weak symbol (an inline function or a template): the linker
# keeps one copy for the whole program, maybe that one, and the program dies on a CPU without those instructions.
# usage: tools/check_isa.sh [BUILD_FOLDER]
set -euo pipefail
build=${1:-$(dirname "$0")/../build/release}

status=0
while IFS= read -r object; do
  weak=$(nm -C --defined-only "$object" | awk '$2 ~ /^[WVu]$/ { $1 = $2 = ""; print substr($0, 3) }')
  if [ -n "$weak" ]; then
    printf 'error: %s defines weak symbols:\n%s\n' "${object##*/src/}" "$weak"
    status=1
  fi
done < <(find "$build" -name '*.o' | grep -E '/kernels/cpu/(amx|avx|neon)[^/]*/' | sort || true)
exit "$status"
