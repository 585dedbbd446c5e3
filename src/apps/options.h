#pragma once
// Options that several subcommands share, and how help speaks of them.

#include <cstdint>
#include <string>

namespace CLI {
class App;
}

namespace tinyllm {

struct ModelOptions {
  std::string model;         // name, GGUF file, folder or random:SHAPE:FORMAT
  int n_threads = 0;         // 0: default_thread_count()
  std::int64_t context = 0;  // positions; 0: the command's own default
};

// --model alone, for commands that compute nothing. Without a default it is required.
void add_model_option(CLI::App& command, ModelOptions& options,
                      const std::string& default_model = "");
// --threads and --context.
void add_compute_options(CLI::App& command, ModelOptions& options);

// "\n\nExamples:\n  tinyllm chat\n..." under the command's help.
void add_examples(CLI::App& command, const std::string& examples);

}  // namespace tinyllm
