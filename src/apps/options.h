#pragma once
// Options that several subcommands share, and how help speaks of them.

#include <string>

#include "apps/command.h"

namespace tinyllm {

// --model: a name, GGUF file, folder or random:SHAPE:FORMAT. Without a default it is required.
Option add_model_option(Command command, std::string& model, const std::string& default_model = "");

// "\n\nExamples:\n  tinyllm chat\n..." under the command's help.
void add_examples(Command command, const std::string& examples);

}  // namespace tinyllm
