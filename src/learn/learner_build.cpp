#include "learn/learner_build.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/child_process.h"
#include "base/error.h"
#include "base/file.h"
#include "learn/build_commands.h"
#include "learn/compiler_words.h"
#include "learn/lines_of.h"
#include "learn/object_symbols.h"

namespace tinyllm::learn {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kLearnerFlags = {"-g",
                                                "-Wall",
                                                "-Wextra",
                                                "-Wmissing-declarations",
                                                "-Werror",
                                                "-Wno-unused-parameter",
                                                "-Wno-error=unused-variable",
                                                "-Wno-error=unused-but-set-variable",
                                                "-fno-diagnostics-color"};
// Of the host's side; nvcc's own warnings are no errors.
const std::vector<std::string> kCudaLearnerFlags = {
    "-g",
    "--compiler-options=-Wno-unused-parameter,-Wno-error=unused-variable,"
    "-Wno-error=unused-but-set-variable,-fno-diagnostics-color"};

// As the file says it: one addition after the other, one number at a time. Later ones win.
const std::vector<std::string> kAsWrittenFlags = {
    "-fno-associative-math", "-fno-reciprocal-math", "-fsigned-zeros",
    "-ffp-contract=off",     "-fno-tree-vectorize",  "-fno-tree-slp-vectorize"};

// A precompiled header of the engine was made without a sanitizer: gcc reads the plain one then.
const std::vector<std::string> kAddressFlags = {"-fsanitize=address,undefined", "-Wno-invalid-pch",
                                                "-fno-sanitize-recover=undefined",
                                                "-fno-omit-frame-pointer", "-O1"};

ChildResult run_in(const fs::path& directory, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"env", "-C", directory.string()});
  return run_child(arguments, {{"LC_ALL", "C"}}, [](std::string_view) { return true; });
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += word + "\n";
  return text;
}

std::string stamp_of(const fs::path& file) {
  return fmt::format("{} {} {}\n", file.string(), fs::file_size(file),
                     fs::last_write_time(file).time_since_epoch().count());
}

// True when `file` was made from exactly this `recipe`.
bool is_fresh(const fs::path& file, const std::string& recipe) {
  const fs::path kept = file.string() + ".recipe";
  return fs::exists(file) && fs::exists(kept) && read_text_file(kept) == recipe;
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorCode::io, "cannot make {}: {}", folder.string(), error.message());
}

// A disk that is full speaks through the compiler or linker: not the learner's fault.
void fail_when_disk_is_full(const std::string& output, const fs::path& folder) {
  const bool compiler_says = output.find("No space left on device") != std::string::npos;
  const bool mold_says = output.find("Disk full?") != std::string::npos;
  if (!compiler_says && !mold_says) return;
  fail(ErrorCode::io, "the disk is full: nothing could be written to {}; your files are untouched",
       folder.string());
}

struct Compiled {
  fs::path object;  // empty: it does not compile
  std::string output;
};

Compiled compile(const CompileCommand& command, const std::vector<std::string>& flags,
                 const fs::path& source, const fs::path& object) {
  std::vector<std::string> arguments = command.arguments;
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  arguments.insert(arguments.end(), {"-c", source.string(), "-o", object.string()});
  const std::string recipe = joined(arguments) + stamp_of(command.object) + read_text_file(source);
  if (is_fresh(object, recipe)) return {object, ""};
  make_folder(object.parent_path());
  fs::remove(object);
  const ChildResult done = run_in(command.directory, arguments);
  fail_when_disk_is_full(done.output, object.parent_path());
  if (done.exit_code == 127) {
    fail(ErrorCode::not_found, "there is no compiler {}", command.arguments.front());
  }
  if (done.exit_code != 0) return {{}, done.output};
  write_file_atomic(object.string() + ".recipe", recipe);
  return {object, done.output};
}

// True when a member "rms_norm.cpp.o" of an archive is in the link map with one of `symbols` below
// it. The name alone says little: several folders may hold a file of that name. `map`: the text of
// the link map, 5 MB, so it is read once and never cut into lines.
bool map_holds_member(std::string_view map, const std::string& engine_file,
                      const std::vector<std::string>& symbols) {
  const std::string member = "(" + fs::path(engine_file).filename().string() + ".o)";
  for (std::size_t at = map.find(member); at != map.npos; at = map.find(member, at + 1)) {
    // Its symbols follow, a line each, up to the next object.
    const std::size_t begin = std::min(map.find('\n', at), map.size());
    const std::size_t next = std::min(map.find(".o", begin), map.size());
    const std::string_view names = map.substr(begin, next - begin);
    for (const std::string& symbol : symbols) {
      if (names.find(std::string(qualified_name(symbol)) + "(") != names.npos) return true;
    }
  }
  return false;
}

std::vector<std::string> flags_of(const Task& task, BuildKind kind) {
  std::vector<std::string> flags = learner_flags(task);
  if (task.is_cuda()) {  // no sanitizer looks into a kernel
    if (kind == BuildKind::debug) flags.push_back("-G");
    return flags;
  }
  if (kind == BuildKind::address) {
    flags.insert(flags.end(), kAddressFlags.begin(), kAddressFlags.end());
  }
  if (kind == BuildKind::debug) flags.push_back("-O0");
  return flags;
}

}  // namespace

std::vector<std::string> learner_flags(const Task& task) {
  if (task.is_cuda()) return kCudaLearnerFlags;
  std::vector<std::string> flags = kLearnerFlags;
  if (task.as_written) flags.insert(flags.end(), kAsWrittenFlags.begin(), kAsWrittenFlags.end());
  return flags;
}

BuiltObject build_object(const CoursePaths& paths, const Task& task, const fs::path& source,
                         BuildKind kind) {
  BuiltObject built;
  const std::string name = shown(paths, source);
  if (!can_compile(paths, task.engine_file)) {
    built.failure = {"no_compiler",
                     fmt::format("{} is CUDA, and the engine was built without it: there was no "
                                 "nvcc. Install the CUDA toolkit until 'nvcc --version' answers, "
                                 "remove {}, and call './tiny learn' again\n",
                                 name, shown(paths, paths.build))};
    return built;
  }
  const CompileCommand command = compile_command(paths, task.engine_file);
  const std::string suffix = kind == BuildKind::address ? ".asan.o"
                             : kind == BuildKind::debug ? ".debug.o"
                                                        : ".o";
  const std::size_t place = std::hash<std::string>{}(source.string());
  const fs::path object =
      paths.scratch() / fmt::format("{}-{:08x}{}", task.id, place & 0xFFFFFFFF, suffix);
  const Compiled compiled = compile(command, flags_of(task, kind), source, object);
  if (compiled.object.empty()) {
    built.failure = {"compile", shorten_errors(compiled.output, source.string(), name,
                                               defined_symbols(command.object))};
    return built;
  }
  if (kind == BuildKind::fast) {  // a sanitized object offers symbols of the sanitizer too
    const std::vector<std::string> found = contract_of(defined_symbols(object), task.class_name);
    const SymbolFaults faults =
        compare_symbols(contract_of(defined_symbols(command.object), task.class_name), found);
    if (found.empty()) {
      built.failure = {"contract",
                       fmt::format("{} defines no function at all; move it away, and the next "
                                   "'./tiny learn' writes the skeleton again\n",
                                   name)};
      return built;
    }
    if (!faults.none()) {
      built.failure = {"contract", describe(faults, name, task.engine_header)};
      return built;
    }
  }
  built.object = object;
  return built;
}

fs::path build_engine_file(const CoursePaths& paths, const std::string& engine_file,
                           const std::string& text, const std::string& name) {
  const std::string ending = fs::path(engine_file).extension();
  const fs::path source = paths.scratch() / "mutants" / (name + ending);
  make_folder(source.parent_path());
  if (!fs::exists(source) || read_text_file(source) != text) write_file_atomic(source, text);
  std::vector<std::string> flags = {"-Wno-unused-variable", "-Wno-unused-parameter",
                                    "-Wno-unused-but-set-variable"};
  if (ending == ".cu") {
    for (std::string& flag : flags) flag.insert(0, "--compiler-options=");
  }
  const Compiled compiled =
      compile(compile_command(paths, engine_file), flags, source, source.string() + ".o");
  if (compiled.object.empty()) {
    fail(ErrorCode::invalid_input, "{} does not compile: {}", name, compiled.output.substr(0, 600));
  }
  return compiled.object;
}

fs::path link_binary(const CoursePaths& paths, const std::vector<fs::path>& objects,
                     const std::vector<std::string>& engine_files, const std::string& name,
                     BuildKind kind) {
  const LinkCommand command = link_command(paths);
  const fs::path binary = paths.scratch() / name;
  const fs::path map = binary.string() + ".map";
  std::vector<std::string> arguments = command.before;
  for (const fs::path& object : objects) arguments.push_back(object.string());
  arguments.insert(arguments.end(), command.after.begin(), command.after.end());
  if (kind == BuildKind::address) arguments.push_back("-fsanitize=address,undefined");
  // What only a debugger reads is most of the program: 50 MB to write at every save.
  if (kind == BuildKind::fast) arguments.push_back("-Wl,--strip-all");
  const fs::path made = binary.string() + ".new";  // another process may start the old one now
  arguments.insert(arguments.end(), {"-o", made.string(), "-Wl,-Map=" + map.string()});

  std::string recipe = joined(arguments) + stamp_of(paths.build / "libtinyllm.a") +
                       stamp_of(paths.build / "tinyllm");
  for (const fs::path& object : objects) recipe += stamp_of(object);
  if (is_fresh(binary, recipe)) return binary;

  make_folder(paths.scratch());
  const ChildResult done = run_in(command.directory, arguments);
  fail_when_disk_is_full(done.output, paths.scratch());
  if (done.exit_code != 0) {
    fail(ErrorCode::invalid_input, "linking your code failed: {}", done.output.substr(0, 600));
  }
  const std::string map_text = read_text_file(map);
  for (const std::string& file : engine_files) {
    const std::vector<std::string> symbols = defined_symbols(compile_command(paths, file).object);
    if (map_holds_member(map_text, file, symbols)) {
      fs::remove(made);
      fail(ErrorCode::invalid_input,
           "the linker took the engine's own {} beside yours (see {}); this is our fault, please "
           "report it",
           file, map.string());
    }
  }
  fs::rename(made, binary);
  write_file_atomic(binary.string() + ".recipe", recipe);
  return binary;
}

}  // namespace tinyllm::learn
