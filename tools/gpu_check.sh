#!/usr/bin/env bash
# The CUDA backend on a machine with a GPU, from binaries that were built elsewhere.
#   tools/gpu_check.sh pack DIR   collects the built tests, benches and binary with their libraries in DIR
#   DIR/gpu_check.sh run          there: every test, then compute-sanitizer on small shapes, then the products
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

pack() {
  local root=$here/.. to=$1 program
  mkdir -p "$to/lib"
  for program in tinyllm cuda_tests cuda_linear_bench cuda_one_row_bench; do
    [ -x "$root/build/release/$program" ] || { echo "gpu_check: build $program first" >&2; exit 1; }
    strip -s "$root/build/release/$program" -o "$to/$program"
    # glibc, the driver and cuBLASLt are the other machine's.
    ldd "$root/build/release/$program" | awk '/=> \//{print $3}' | grep -vE '/(libc|libm|ld-linux[^/]*|libresolv|libpthread|libdl|librt)\.so' |
      xargs -I{} cp -L {} "$to/lib/"
  done
  mkdir -p "$to/tests/golden/data"
  cp -R "$root/tests/golden/data/tiny" "$to/tests/golden/data/"
  cp "$0" "$to/gpu_check.sh"
}

run() {
  cd "$here"
  export LD_LIBRARY_PATH=$here/lib
  ./cuda_tests --gtest_brief=1
  CUDA_FORCE_PTX_JIT=1 ./cuda_tests --gtest_brief=1  # what every GPU but Hopper runs
  if command -v compute-sanitizer >/dev/null; then
    export TINYLLM_SHORT=1  # fewer tokens of the one-row kernel: racecheck is slow
    compute-sanitizer --tool memcheck ./cuda_tests --gtest_brief=1 \
      --gtest_filter='*CudaOneRow*:Dtypes/LinearFormat*:RmsNorm*:Gate*:*Route*:All/ExpertProducts*_1:All/ExpertProducts*_12:All/ExpertProducts*_30'
    compute-sanitizer --tool racecheck ./cuda_tests --gtest_brief=1 \
      --gtest_filter='All/Linear*_7_k4c2:Dtypes/LinearFormat*Normal*:All/Route*17*:All/ExpertProducts*q4_k_[27]:All/ExpertProducts*bf16_30:All/ExpertProducts*q5_k_30'
    # cuBLASLt's own kernels have hazards that are none of ours.
    compute-sanitizer --tool racecheck ./cuda_tests --gtest_brief=1 --gtest_filter='*CudaOneRow*'
  fi
  ./cuda_linear_bench
  ./cuda_one_row_bench
}

case ${1:-} in
  pack) pack "${2:?gpu_check: pack takes a folder}" ;;
  run) run ;;
  *) echo "gpu_check: takes 'pack DIR' or 'run'" >&2; exit 2 ;;
esac
