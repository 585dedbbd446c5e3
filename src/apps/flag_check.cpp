#include "apps/flag_check.h"

#include <fmt/core.h>

#include <CLI/App.hpp>
#include <map>
#include <string_view>

#include "apps/foreign_flags.h"
#include "base/error.h"
#include "model_store/near_names.h"

namespace tinyllm {
namespace {

// Every name with its dashes, and whether a value follows it.
using Flags = std::map<std::string, bool, std::less<>>;

void add_flags(const CLI::App& app, Flags& flags) {
  for (const CLI::Option* option : app.get_options()) {
    const bool takes_value = option->get_items_expected_max() > 0;
    for (const std::string& name : option->get_snames()) flags["-" + name] = takes_value;
    for (const std::string& name : option->get_lnames()) flags["--" + name] = takes_value;
  }
}

// Those of a command and of what stands under it (`learn speak`).
void add_flags_below(const CLI::App& app, Flags& flags) {
  add_flags(app, flags);
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    add_flags_below(*command, flags);
}

class FlagWalk {
 public:
  FlagWalk(const CLI::App& app, const CLI::App& command) {
    add_flags_below(command, flags_);
    add_flags(app, flags_);
  }

  std::vector<std::string> run(const std::vector<std::string>& words) {
    std::vector<std::string> result = {words.front()};
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::string& word = words[i];
      if (word == "--") {  // what follows is no flag
        result.insert(result.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
        break;
      }
      const bool is_flag = word.size() > 1 && word[0] == '-' && !is_number(word);
      if (!is_flag) {
        result.push_back(word);
        continue;
      }
      const std::size_t equals = word.starts_with("--") ? word.find('=') : word.npos;
      const std::string name = own_name(word.substr(0, equals));
      result.push_back(equals == word.npos ? name : name + word.substr(equals));
      if (equals == word.npos && takes_next_word(name) && i + 1 < words.size())
        result.push_back(words[++i]);
    }
    return result;
  }

 private:
  static bool is_number(std::string_view word) {
    return word.find_first_not_of("-.0123456789") == word.npos;
  }

  // "-n5" and "-yv" are one letter and what belongs to it.
  bool is_cluster(std::string_view name) const {
    return name.size() > 2 && name[1] != '-' && flags_.contains(name.substr(0, 2)) &&
           find_flag_alias(name) == nullptr && find_flag_hint(name) == nullptr;
  }

  bool takes_next_word(std::string_view name) const {
    const auto found = flags_.find(name);
    return found != flags_.end() && found->second;
  }

  std::string own_name(const std::string& name) const {
    if (flags_.contains(name) || is_cluster(name)) return name;
    const FlagAlias* alias = find_flag_alias(name);
    if (alias != nullptr && flags_.contains(alias->own)) return std::string(alias->own);
    if (const FlagHint* hint = find_flag_hint(name))
      fail(ErrorCode::usage, "{} is not an option here: {}", name, hint->hint);
    std::vector<std::string> names;
    for (const auto& [known, takes_value] : flags_) {
      if (known.starts_with("--")) names.push_back(known);
    }
    const std::vector<std::string> near = near_names(name, names, 1);
    fail(ErrorCode::usage, "unknown option '{}'{}", name,
         near.empty() ? "" : fmt::format("; did you mean '{}'?", near.front()));
  }

  Flags flags_;
};

}  // namespace

std::vector<std::string> check_flags(const CLI::App& app, const std::vector<std::string>& words) {
  if (words.empty() || words.front().starts_with('-')) return words;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->check_name(words.front())) return FlagWalk(app, *command).run(words);
  }
  return words;
}

}  // namespace tinyllm
