#pragma once
// The flags of a command line before the parser sees them: names that llama.cpp, ollama and vLLM use
// become ours where they mean the same and give a hint where they do not, and a mistyped name is
// answered with the nearest one. Main thread only.

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tinyllm {

// `words` without the program's name; the first is the command. Returns them with our names. Throws
// Error{usage} for a flag that this command does not have.
std::vector<std::string> check_flags(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace tinyllm
