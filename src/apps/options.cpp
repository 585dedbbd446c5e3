#include "apps/options.h"

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>

#include "apps/number_range.h"

namespace tinyllm {

void add_model_option(CLI::App& command, ModelOptions& options, const std::string& default_model) {
  CLI::Option* option = command.add_option(
      "-m,--model", options.model,
      "A name ('tinyllm list'), a GGUF file, a Hugging Face folder or random:SHAPE:FORMAT");
  option->type_name("MODEL");
  if (default_model.empty()) {
    option->required();
  } else {
    options.model = default_model;
    option->capture_default_str();
  }
}

void add_compute_options(CLI::App& command, ModelOptions& options) {
  command.add_option("-t,--threads", options.n_threads, "Worker threads (default: physical cores)")
      ->check(number_in(1, 256))
      ->type_name("N");
  command.add_option("-c,--context", options.context, "Tokens that prompt and answer may fill")
      ->check(number_in(1, 1 << 24))
      ->type_name("N");
}

void add_examples(CLI::App& command, const std::string& examples) {
  command.footer("Examples:\n" + examples);
}

}  // namespace tinyllm
