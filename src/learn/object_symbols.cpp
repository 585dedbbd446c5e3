#include "learn/object_symbols.h"

#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <regex>
#include <sstream>
#include <string_view>

#include "base/child_process.h"
#include "base/error.h"

namespace tinyllm::learn {
namespace {

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

std::string demangled(const std::string& symbol) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), std::free);
  std::string text = status == 0 ? name.get() : symbol;
  // As people write them: "const float*", not "float const*".
  replace_all(text, "[abi:cxx11]", "");
  replace_all(text,
              "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >",
              "std::string");
  static const std::regex late_const(R"(([A-Za-z_][\w:]*) const([*&]))");
  static const std::regex long_word(R"(\blong\b)");
  text = std::regex_replace(text, late_const, "const $1$2");
  replace_all(text, "unsigned long", "std::size_t");
  return std::regex_replace(text, long_word, "std::int64_t");
}

// nvcc gives names of its own to what one file keeps to itself, and lets the linker see them.
bool is_of_nvcc(std::string_view symbol) {
  return symbol.find("_GLOBAL__N_") != symbol.npos || symbol.find("__device_stub__") != symbol.npos;
}

std::string_view without_namespace(std::string_view symbol) {
  return symbol.substr(static_cast<std::size_t>(bare_name(symbol).data() - symbol.data()));
}

// "take()" of "tinyllm::BlockPool::take()"; empty for what is no member of the class.
std::string_view member_name(std::string_view symbol, std::string_view class_name) {
  const bool is_member =
      symbol.starts_with(class_name) && symbol.substr(class_name.size()).starts_with("::");
  return is_member ? symbol.substr(class_name.size() + 2) : std::string_view();
}

bool is_table(std::string_view symbol) {
  return symbol.starts_with("vtable for ") || symbol.starts_with("typeinfo ");
}

}  // namespace

std::string_view qualified_name(std::string_view symbol) {
  return symbol.substr(0, symbol.find('('));
}

std::string_view bare_name(std::string_view symbol) {
  symbol = qualified_name(symbol);
  const std::size_t colons = symbol.rfind("::");
  return colons == symbol.npos ? symbol : symbol.substr(colons + 2);
}

std::vector<std::string> contract_of(std::vector<std::string> symbols,
                                     std::string_view class_name) {
  if (class_name.empty()) return symbols;
  std::erase_if(symbols, [&](const std::string& symbol) {
    const bool is_nested =
        qualified_name(member_name(symbol, class_name)).find("::") != std::string_view::npos;
    return is_table(symbol) || is_nested;
  });
  return symbols;
}

std::vector<std::string> strangers_to(std::vector<std::string> symbols,
                                      std::string_view class_name) {
  std::erase_if(symbols, [&](const std::string& symbol) {
    return is_table(symbol) || !member_name(symbol, class_name).empty();
  });
  return symbols;
}

std::vector<std::string> defined_symbols(const std::filesystem::path& object) {
  const ChildResult listed = run_child({"nm", "-P", "-g", "--defined-only", object.string()}, {},
                                       [](std::string_view) { return true; });
  if (listed.exit_code != 0) {
    fail(ErrorCode::io, "cannot read the symbols of {}: {}", object.string(),
         listed.output.substr(0, 200));
  }
  std::vector<std::string> names;
  std::istringstream lines(listed.output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string symbol, type;
    words >> symbol >> type;
    if (type.size() == 1 && std::string_view("TDBRGSC").find(type[0]) != std::string_view::npos &&
        !is_of_nvcc(symbol)) {
      names.push_back(demangled(symbol));
    }
  }
  std::ranges::sort(names);
  const auto doubled = std::ranges::unique(names);  // a constructor has two symbols
  names.erase(doubled.begin(), doubled.end());
  return names;
}

SymbolFaults compare_symbols(const std::vector<std::string>& wanted,
                             const std::vector<std::string>& found) {
  SymbolFaults faults;
  std::ranges::set_difference(wanted, found, std::back_inserter(faults.missing));
  std::ranges::set_difference(found, wanted, std::back_inserter(faults.extra));
  return faults;
}

std::string describe(const SymbolFaults& faults, const std::string& file,
                     const std::string& header) {
  std::string text;
  std::vector<std::string> extra = faults.extra;
  for (const std::string& wanted : faults.missing) {
    const auto near = std::ranges::find(extra, bare_name(wanted),
                                        [](const std::string& name) { return bare_name(name); });
    if (near == extra.end()) {
      text +=
          fmt::format("{} does not define {}; the contract is in src/{}\n", file, wanted, header);
      continue;
    }
    text +=
        fmt::format("you defined      {}\nthe contract is  {}   (src/{})\n", *near, wanted, header);
    extra.erase(near);
  }
  for (const std::string& name : extra) {
    text += fmt::format(
        "{} defines {}, which is not in the contract; write `static` before it, so that only this "
        "file sees it\n",
        file, without_namespace(name));
  }
  return text;
}

}  // namespace tinyllm::learn
