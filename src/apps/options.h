#pragma once
// Options that several subcommands share, and how help speaks of them.

#include <string>

namespace CLI {
class App;
}

namespace tinyllm {

// --model: a name, GGUF file, folder or random:SHAPE:FORMAT. Without a default it is required.
void add_model_option(CLI::App& command, std::string& model, const std::string& default_model = "");

// "\n\nExamples:\n  tinyllm chat\n..." under the command's help.
void add_examples(CLI::App& command, const std::string& examples);

}  // namespace tinyllm
