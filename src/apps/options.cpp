#include "apps/options.h"

#include <CLI/App.hpp>

namespace tinyllm {

void add_model_option(CLI::App& command, std::string& model, const std::string& default_model) {
  CLI::Option* option = command.add_option(
      "-m,--model", model,
      "A name ('tinyllm list'), a GGUF file, a Hugging Face folder or random:SHAPE:FORMAT");
  option->type_name("MODEL");
  if (default_model.empty()) {
    option->required();
  } else {
    model = default_model;
    option->capture_default_str();
  }
}

void add_examples(CLI::App& command, const std::string& examples) {
  command.footer("Examples:\n" + examples);
}

}  // namespace tinyllm
