#pragma once
// From a learner's file to a program: compile it as the engine compiles its own, compare its
// symbols with the contract's, and link it before libtinyllm.a, so that the linker takes the
// learner's object and leaves the engine's out. One thread.

#include <filesystem>
#include <string>
#include <vector>

#include "learn/manifest.h"

namespace tinyllm::learn {

enum class BuildKind {
  fast,     // the flags of the engine's own file
  address,  // and AddressSanitizer and UBSan
  debug,    // for gdb: nothing optimised away
};

// The learner's file did not become a program: a text for a person, the first line says what.
struct BuildFailure {
  // For the tutor's JSON: "compile", "contract", or "no_compiler": a .cu file and no nvcc.
  std::string kind;
  std::string text;
};

struct BuiltObject {
  std::filesystem::path object;  // empty when it failed
  BuildFailure failure;
  explicit operator bool() const { return !object.empty(); }
};

// What a learner's file is compiled with, behind the flags of the engine's own: the later ones win.
// A parameter or a variable may be unused while somebody writes; everything else is strict. g++ and
// nvcc take different words. A task that is compiled as written gets no reassociation, no fused
// multiply-add and no vectors that the file does not spell out.
std::vector<std::string> learner_flags(const Task& task);

// Compiles `source` (any place) with the flags of the task's engine file and checks its symbols.
// Uses the object of an earlier call when nothing changed. Throws Error when the world is at fault
// (disk full, no compiler).
BuiltObject build_object(const CoursePaths& paths, const Task& task,
                         const std::filesystem::path& source, BuildKind kind = BuildKind::fast);

// The same for a whole engine file with other text (a mutant). Throws Error{invalid_input} with the
// compiler's words when it does not compile.
std::filesystem::path build_engine_file(const CoursePaths& paths, const std::string& engine_file,
                                        const std::string& text, const std::string& name);

// The binary `tinyllm` with these objects in the place of the engine's own. `engine_files` are the
// files that they stand for; the link map is read, and Error{invalid_input} thrown when one of them
// is in the program after all. Uses the binary of an earlier call when nothing changed.
std::filesystem::path link_binary(const CoursePaths& paths,
                                  const std::vector<std::filesystem::path>& objects,
                                  const std::vector<std::string>& engine_files,
                                  const std::string& name, BuildKind kind = BuildKind::fast);

}  // namespace tinyllm::learn
