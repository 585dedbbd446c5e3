#include "apps/command.h"

#include <fmt/ranges.h>

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <charconv>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace tinyllm {

Option Option::type_name(const std::string& name) const {
  option_->type_name(name);
  return *this;
}

Option Option::group(const std::string& name) const {
  option_->group(name);
  return *this;
}

Option Option::show_default() const {
  option_->capture_default_str();
  return *this;
}

Option Option::default_text(const std::string& text) const {
  option_->default_str(text);
  return *this;
}

Option Option::required(bool is_required) const {
  option_->required(is_required);
  return *this;
}

Option Option::in_range(double low, double high) const {
  const auto check = [low, high, whole = is_whole_](const std::string& text) {
    double value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    const bool is_number = error == std::errc() && rest == end;
    const bool fits = !whole || text.find_first_of(".eE") == text.npos;
    if (is_number && fits && value >= low && value <= high) return std::string();
    return fmt::format("is {}, must be {}in [{:.12g}, {:.12g}]", text,
                       fits ? "" : "a whole number ", low, high);
  };
  option_->check(CLI::Validator(check, ""));
  return *this;
}

Option Option::one_of(const std::vector<std::string>& values) const {
  option_->check(CLI::IsMember(values))->type_name(fmt::format("{}", fmt::join(values, "|")));
  return *this;
}

Option Option::repeatable() const {
  option_->take_all()->expected(1);
  return *this;
}

Option Option::delimiter(char delimiter) const {
  option_->delimiter(delimiter);
  return *this;
}

bool Option::given() const { return option_->count() > 0; }

Command Command::add_subcommand(const std::string& name, const std::string& help) const {
  return Command(*app_->add_subcommand(name, help));
}

void Command::group(const std::string& name) const { app_->group(name); }

void Command::alias(const std::string& name) const { app_->alias(name); }

void Command::footer(const std::string& text) const { app_->footer(text); }

void Command::callback(std::function<void()> run) const { app_->callback(std::move(run)); }

bool Command::has_chosen_subcommand() const { return !app_->get_subcommands().empty(); }

Option Command::add_flag(const std::string& names, bool& value, const std::string& help) const {
  return Option(*app_->add_flag(names, value, help));
}

template <typename T>
inline constexpr bool kIsWholeNumber = std::is_integral_v<T>;
template <typename T>
inline constexpr bool kIsWholeNumber<std::optional<T>> = std::is_integral_v<T>;
template <typename T>
inline constexpr bool kIsWholeNumber<std::vector<T>> = std::is_integral_v<T>;

template <typename T>
Option Command::add_option(const std::string& names, T& value, const std::string& help) const {
  return Option(*app_->add_option(names, value, help), kIsWholeNumber<T>);
}

// A type that is missing here is an undefined symbol when the binary is linked.
using Text = const std::string&;
template Option Command::add_option(Text, std::string&, Text) const;
template Option Command::add_option(Text, int&, Text) const;
template Option Command::add_option(Text, std::int64_t&, Text) const;
template Option Command::add_option(Text, std::uint16_t&, Text) const;
template Option Command::add_option(Text, std::size_t&, Text) const;
template Option Command::add_option(Text, double&, Text) const;
template Option Command::add_option(Text, std::vector<std::string>&, Text) const;
template Option Command::add_option(Text, std::vector<int>&, Text) const;
template Option Command::add_option(Text, std::optional<int>&, Text) const;
template Option Command::add_option(Text, std::optional<float>&, Text) const;
template Option Command::add_option(Text, std::optional<std::uint64_t>&, Text) const;
template Option Command::add_option(Text, std::optional<std::string>&, Text) const;

}  // namespace tinyllm
