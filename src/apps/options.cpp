#include "apps/options.h"

namespace tinyllm {

Option add_model_option(Command command, std::string& model, const std::string& default_model) {
  Option option = command.add_option(
      "-m,--model", model,
      "A name ('tinyllm list'), a GGUF file, a Hugging Face folder or random:SHAPE:FORMAT");
  option.type_name("MODEL");
  if (default_model.empty()) {
    option.required();
  } else {
    model = default_model;
    option.show_default();
  }
  return option;
}

void add_examples(Command command, const std::string& examples) {
  command.footer("Examples:\n" + examples);
}

}  // namespace tinyllm
