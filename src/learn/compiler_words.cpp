#include "learn/compiler_words.h"

#include <fmt/format.h>

#include <vector>

#include "learn/lines_of.h"
#include "learn/object_symbols.h"

namespace tinyllm::learn {
namespace {

// "rms_norm" of "void rms_norm(const float*)".
std::string_view name_without_type(std::string_view function) {
  function = bare_name(function);
  return function.substr(function.find_last_of(" *&") + 1);
}

// A function with the name of the contract's, but other
// parameters or another namespace: the compiler quotes it.
std::string own_function_advice(std::string_view message,
                                const std::vector<std::string>& contract) {
  const bool stray = message.find("no previous declaration for") != message.npos ||
                     message.find("should have been declared inside") != message.npos ||
                     message.find("no declaration matches") != message.npos;
  const std::size_t open = message.find('\''), close = message.find('\'', open + 1);
  if (!stray || close == message.npos) return "";
  const std::string_view yours = message.substr(open + 1, close - open - 1);
  for (const std::string& wanted : contract) {
    if (bare_name(wanted) != name_without_type(yours)) continue;
    const bool in_namespace = yours.find(qualified_name(wanted)) != yours.npos;
    return fmt::format("{}\n     the contract is  {}",
                       in_namespace ? "the parameters are not those of the contract."
                                    : "its name must be written in full, with the namespace.",
                       wanted);
  }
  return "";
}

// One sentence for mistakes that the compiler's words hide from a newcomer. Empty: none known.
std::string advice(std::string_view message, const std::vector<std::string>& contract) {
  const auto holds = [&](std::string_view words) { return message.find(words) != message.npos; };
  const std::string own = own_function_advice(message, contract);
  if (!own.empty()) return own;
  if (holds("no previous declaration for") || holds("missing-declarations") ||
      holds("no previous prototype")) {
    return "a helper of your own? Write `static` before it, so that only this file sees it.";
  }
  if (holds("no declaration matches") || holds("does not match any declaration")) {
    return "the parameters must be those of the contract, type by type: compare with the header.";
  }
  if (holds("expected '}'") || holds("expected ‘}’") || holds("expected declaration")) {
    return "count the braces: one { for each }.";
  }
  if (holds("redefinition of")) return "the function stands there twice; keep one.";
  return "";
}

// "/long/path/x.cpp:12:5: error: ..." -> "code/week1/x.cpp:12:5: error: ..."
std::string with_short_path(std::string line, const std::string& source, const std::string& shown) {
  for (std::size_t at = line.find(source); at != line.npos; at = line.find(source, at)) {
    line.replace(at, source.size(), shown);
    at += shown.size();
  }
  return line;
}

}  // namespace

std::string shorten_errors(std::string_view output, const std::string& source,
                           const std::string& shown, const std::vector<std::string>& contract,
                           int max_errors) {
  std::string text;
  int n_errors = 0, n_left_out = 0;
  bool keeping = false;
  std::string said;
  const auto add_advice = [&] {
    if (!said.empty()) text += fmt::format("  -> {}\n", said);
    said.clear();
  };
  for (const std::string& line : lines_of(output)) {
    const bool names_place = line.find(": error: ") != line.npos ||
                             line.find(": note: ") != line.npos ||
                             line.find(": warning: ") != line.npos;
    const bool is_error = line.find(": error: ") != line.npos && line.starts_with(source);
    if (is_error) {
      add_advice();
      keeping = n_errors < max_errors;
      n_errors += 1;
      n_left_out += keeping ? 0 : 1;
      if (keeping) said = advice(line, contract);
    } else if (names_place || line.find(": In ") != line.npos || line.starts_with("In file") ||
               line.starts_with("cc1plus") || line.find(" generated.") != line.npos) {
      keeping = false;
    }
    if (keeping) text += with_short_path(line, source, shown) + "\n";
  }
  add_advice();
  if (n_left_out > 0) text += fmt::format("  and {} more error(s) after these\n", n_left_out);
  if (text.empty()) text = with_short_path(std::string(output.substr(0, 1500)), source, shown);
  return text;
}

}  // namespace tinyllm::learn
