#pragma once
// The command line as a subcommand sees it: a Command holds options and subcommands, and an Option
// writes the value that it reads into a variable of the caller. Both are handles to objects of the
// parser, so a copy speaks of the same object. CLI11 is the parser. Its headers were half of the
// time of a build, so only command.cpp and the few files that walk its tree include them.
// Main thread only.

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace tinyllm {

class Option {
 public:
  explicit Option(CLI::Option& option, bool is_whole = false)
      : option_(&option), is_whole_(is_whole) {}

  // The word for the value in the help: "N", "FILE".
  Option type_name(const std::string& name) const;
  // The heading under which the help lists it; "": not at all.
  Option group(const std::string& name) const;
  // The help shows the value that the variable has now.
  Option show_default() const;
  // The help says that much, where show_default would say it in another way.
  Option default_text(const std::string& text) const;
  Option required(bool is_required = true) const;

  // The number must lie in [low, high], else "--top-p: is 1.5, must be in [0, 1]"; where the
  // variable is an integer, it must be one.
  Option in_range(double low, double high) const;
  // The help names them as the value: "--kv-type bf16|int8|fp8|q4|f32".
  Option one_of(const std::vector<std::string>& values) const;
  // For a vector: may be given again, one value each time.
  Option repeatable() const;
  // For a vector: one word holds several values with this character between them.
  Option delimiter(char delimiter) const;

  // Whether the command line that was read holds it.
  bool given() const;

 private:
  CLI::Option* option_;
  bool is_whole_;
};

class Command {
 public:
  explicit Command(CLI::App& app) : app_(&app) {}

  Command add_subcommand(const std::string& name, const std::string& help) const;
  // The heading under which the help lists it; "": not at all.
  void group(const std::string& name) const;
  void alias(const std::string& name) const;
  // Text under the help.
  void footer(const std::string& text) const;
  // What runs after the whole command line was read. Throws Error.
  void callback(std::function<void()> run) const;
  // Whether the command line that was read names a subcommand of this one.
  bool has_chosen_subcommand() const;

  // `names` are "-n,--name", or "NAME" for a word that is known by its place. T is a string, a
  // number, or a vector or optional of those; command.cpp lists the types in use.
  template <typename T>
  Option add_option(const std::string& names, T& value, const std::string& help = "") const;
  Option add_flag(const std::string& names, bool& value, const std::string& help) const;

  const CLI::App& parser() const { return *app_; }

 private:
  CLI::App* app_;
};

}  // namespace tinyllm
