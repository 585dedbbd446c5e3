# Sourced by ./tiny doctor: this machine, the tools, what is missing. Its report is the command's output: stdout.

first_line() { "$@" 2>/dev/null | head -n 1; }

report() { printf '%-10s %s\n' "$1" "$2"; }

cpu_features() {
  local feature
  for feature in avx2 fma f16c avx_vnni avx512f avx512_vnni avx512_bf16 amx_bf16 asimd asimddp; do
    grep -m 1 -qw "$feature" /proc/cpuinfo 2>/dev/null && printf ' %s' "$feature"
  done
}

report system "$(. /etc/os-release 2>/dev/null && echo "${PRETTY_NAME:-}") $(uname -srm)"
report cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1) x $(getconf _NPROCESSORS_ONLN):$(cpu_features)"
report memory "$(awk '/^MemTotal/ { t = $2 } /^MemAvailable/ { a = $2 }
  END { printf "%.1f GB, %.1f GB available", t / 1e6, a / 1e6 }' /proc/meminfo 2>/dev/null)"
# Of the process that decodes: every core reads memory that no cache holds.
if is_up_to_date; then
  speed=$("$binary" bench --read-bandwidth 2>/dev/null)
  report speed "${speed:-unknown}"
  report kernels "$("$binary" bench --kernels 2>/dev/null || true)"
else
  report speed "known after the first build"
fi
if gpu=$(nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader 2>/dev/null) && [ -n "$gpu" ]; then
  report gpu "$(printf '%s' "$gpu" | tr '\n' ';')"
  cuda="no nvcc: the program is built without the GPU backend"
  nvcc=$(command -v nvcc || command -v /usr/local/cuda/bin/nvcc) && cuda="$nvcc: --device cuda works once it is built"
  report cuda "$cuda"
else
  report gpu "no NVIDIA GPU"
fi
# Whoever accepts a connection there is not us: `serve` would say that the port is taken.
if (exec 3<>/dev/tcp/127.0.0.1/8000) 2>/dev/null; then
  report port "8000 is taken: give serve another --port"
else
  report port "8000 is free for serve"
fi
for tool in g++ clang++-16 cmake ninja ccache mold python3; do
  report "$tool" "$(first_line "$tool" --version || true)"
done

for purpose in build test check; do
  if command -v dpkg-query >/dev/null 2>&1; then
    missing=$(echo $(missing_packages "$purpose"))
    report "$purpose" "${missing:+missing: }${missing:-all packages installed}"
  else
    report "$purpose" "needs: $(echo $(packages_for "$purpose"))"
  fi
done

model_home=${TINYLLM_HOME:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/tinyllm}
report models "$model_home: $(ls "$model_home/models" 2>/dev/null | grep -cv '\.origin$') files, $(
  df -Pk "$root" | awk 'NR == 2 { printf "%.0f GB free on the disk", $4 / 1e6 }')"
if is_up_to_date; then report binary "$binary"; else report binary "to be built by the next call"; fi
