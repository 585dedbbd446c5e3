#pragma once
// What an object file offers to the linker:
// the functions and variables with external linkage. Any thread.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tinyllm::learn {

// Names as a person writes them ("tinyllm::scalar::rms_norm(float const*, ...)"), sorted. Symbols
// that several objects may hold (inline functions, type names) do not count. Throws Error{io}.
std::vector<std::string> defined_symbols(const std::filesystem::path& object);

// What counts in the comparison of a file that defines the members of a class
// ("tinyllm::BlockPool"): everything but the members of types inside that class, which are the
// file's own matter, and the tables that the compiler adds. An empty class: everything.
std::vector<std::string> contract_of(std::vector<std::string> symbols, std::string_view class_name);

// Those that are no members of the class, or of a type inside it.
std::vector<std::string> strangers_to(std::vector<std::string> symbols,
                                      std::string_view class_name);

// "rms_norm" of "tinyllm::scalar::rms_norm(const float*, ...)", and what stands before the "(".
std::string_view bare_name(std::string_view symbol);
std::string_view qualified_name(std::string_view symbol);

struct SymbolFaults {
  std::vector<std::string> missing, extra;
  bool none() const { return missing.empty() && extra.empty(); }
};
SymbolFaults compare_symbols(const std::vector<std::string>& wanted,
                             const std::vector<std::string>& found);

// One sentence per fault, for the learner. `file`: as it is shown. `header`: where the contract is.
std::string describe(const SymbolFaults& faults, const std::string& file,
                     const std::string& header);

}  // namespace tinyllm::learn
