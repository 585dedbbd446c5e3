#pragma once
// Words without a flag, as other programs take them: `chat MODEL`, `chat "text"`, `serve MODEL`.
// Main thread only.

#include <string>
#include <vector>

namespace tinyllm {

// `word` names a model: `list` or `pull` knows it, or it is a GGUF file, a model folder or
// random:.... A word that only looks like such a name (no spaces; digits, dashes, slashes or colons)
// and is near to one counts too: then opening it says which names are meant.
bool is_model_word(const std::string& word);

// Takes the model's name from the first of `words` into `model`, where it is one and -m was not
// given (`has_model`). Returns the other words.
std::vector<std::string> take_model_word(std::vector<std::string> words, bool has_model,
                                         std::string& model);

}  // namespace tinyllm
