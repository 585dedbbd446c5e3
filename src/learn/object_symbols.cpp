#include "learn/object_symbols.h"

#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
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
  for (const std::string_view type : {"float", "long", "int"}) {
    replace_all(text, fmt::format("{} const*", type), fmt::format("const {}*", type));
  }
  replace_all(text, "long", "std::int64_t");
  return text;
}

// "rms_norm" of "tinyllm::scalar::rms_norm(float const*)".
std::string_view bare_name(std::string_view symbol) {
  symbol = symbol.substr(0, symbol.find('('));
  const std::size_t colons = symbol.rfind("::");
  return colons == symbol.npos ? symbol : symbol.substr(colons + 2);
}

std::string_view without_namespace(std::string_view symbol) {
  const std::size_t at = symbol.substr(0, symbol.find('(')).rfind("::");
  return at == symbol.npos ? symbol : symbol.substr(at + 2);
}

}  // namespace

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
    if (type.size() == 1 && std::string_view("TDBRGSC").find(type[0]) != std::string_view::npos) {
      names.push_back(demangled(symbol));
    }
  }
  std::ranges::sort(names);
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
    const auto near = std::ranges::find(extra, bare_name(wanted), bare_name);
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
