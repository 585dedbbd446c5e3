// tinyllm completion: a script that teaches the shell our commands and options. It is made from the
// same tree that reads the command line, so it cannot lag behind.

#include <fmt/format.h>
#include <CLI/App.hpp>

#include <memory>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/standard_output.h"

namespace tinyllm {
namespace {

struct OptionFacts {
  std::vector<std::string> names;  // with dashes
  std::string help;
  bool takes_value = false;
};

struct CommandFacts {
  std::vector<std::string> names;  // its name and aliases
  std::string help;
  std::vector<OptionFacts> options;
};

std::vector<OptionFacts> options_of(const CLI::App& command) {
  std::vector<OptionFacts> facts;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->nonpositional()) continue;
    OptionFacts fact;
    fact.help = option->get_description();
    fact.takes_value = option->get_items_expected() > 0;
    for (const std::string& name : option->get_snames()) fact.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) fact.names.push_back("--" + name);
    facts.push_back(std::move(fact));
  }
  // A group of options is an unnamed subcommand.
  for (const CLI::App* group : command.get_subcommands([](const CLI::App*) { return true; })) {
    if (!group->get_name().empty()) continue;
    for (OptionFacts& fact : options_of(*group)) facts.push_back(std::move(fact));
  }
  return facts;
}

std::vector<CommandFacts> commands_of(const CLI::App& app) {
  std::vector<CommandFacts> facts;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name().empty()) continue;
    CommandFacts fact{.names = {command->get_name()},
                      .help = command->get_description(),
                      .options = options_of(*command)};
    for (const std::string& alias : command->get_aliases()) fact.names.push_back(alias);
    facts.push_back(std::move(fact));
  }
  return facts;
}

std::string names_of(const std::vector<OptionFacts>& options) {
  std::string names;
  for (const OptionFacts& option : options)
    names += fmt::format("{} ", fmt::join(option.names, " "));
  return names;
}

// 'text' for a shell: a quote inside ends, escapes and opens again.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string bash_script(const CLI::App& app) {
  std::string commands, cases;
  for (const CommandFacts& command : commands_of(app)) {
    commands += fmt::format("{} ", fmt::join(command.names, " "));
    cases += fmt::format("    {}) words={} ;;\n", fmt::join(command.names, "|"),
                         quoted(names_of(command.options)));
  }
  return R"sh(# bash completion of tinyllm: eval "$(tinyllm completion bash)"
_tinyllm() {
  local word=${COMP_WORDS[COMP_CWORD]} words
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    words=)sh" +
         quoted(commands + names_of(options_of(app))) + R"sh(
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    return
  fi
  case $word in -*) ;; *) return ;; esac  # files, by the default below
  case ${COMP_WORDS[1]} in
)sh" + cases +
         R"sh(  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o bashdefault -o default -F _tinyllm tinyllm
)sh";
}

// In a zsh description brackets and colons have a meaning.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_script(const CLI::App& app) {
  std::string commands, cases;
  for (const CommandFacts& command : commands_of(app)) {
    for (const std::string& name : command.names) {
      commands += "    " + quoted(name + ":" + zsh_text(command.help)) + "\n";
    }
    std::string arguments;
    for (const OptionFacts& option : command.options) {
      for (const std::string& name : option.names) {
        arguments += " \\\n        " + quoted(name + "[" + zsh_text(option.help) + "]" +
                                              (option.takes_value ? ":value:_files" : ""));
      }
    }
    cases += fmt::format("    {})\n      _arguments{} \\\n        '*:file:_files' ;;\n",
                         fmt::join(command.names, "|"), arguments);
  }
  return R"sh(#compdef tinyllm
# zsh completion of tinyllm: eval "$(tinyllm completion zsh)"
_tinyllm() {
  local -a commands=(
)sh" + commands +
         R"sh(  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
)sh" + cases +
         R"sh(  esac
}
compdef _tinyllm tinyllm
)sh";
}

std::string fish_script(const CLI::App& app) {
  std::string script = "# fish completion of tinyllm: tinyllm completion fish | source\n";
  for (const CommandFacts& command : commands_of(app)) {
    for (const std::string& name : command.names) {
      script += fmt::format("complete -c tinyllm -n __fish_use_subcommand -f -a {} -d {}\n", name,
                            quoted(command.help));
    }
    for (const OptionFacts& option : command.options) {
      std::string names;
      for (const std::string& name : option.names) {
        names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      script += fmt::format("complete -c tinyllm -n '__fish_seen_subcommand_from {}'{}{} -d {}\n",
                            fmt::join(command.names, " "), names, option.takes_value ? " -r" : "",
                            quoted(option.help));
    }
  }
  return script;
}

}  // namespace

void add_completion_command(Command app) {
  Command command = app.add_subcommand("completion", "Print a completion script for your shell");
  auto shell = std::make_shared<std::string>();
  command.add_option("SHELL", *shell, "bash, zsh or fish")
      .required()
      .one_of({"bash", "zsh", "fish"});
  command.footer(
      "Examples:\n"
      "  echo 'eval \"$(tinyllm completion bash)\"' >> ~/.bashrc\n"
      "  echo 'eval \"$(tinyllm completion zsh)\"' >> ~/.zshrc\n"
      "  tinyllm completion fish > ~/.config/fish/completions/tinyllm.fish");
  command.callback([app, shell] {
    if (*shell == "bash") write_stdout(bash_script(app.parser()));
    if (*shell == "zsh") write_stdout(zsh_script(app.parser()));
    if (*shell == "fish") write_stdout(fish_script(app.parser()));
  });
}

}  // namespace tinyllm
