#pragma once
// What an object file offers to the linker: the functions and variables with external linkage. Any
// thread.

#include <filesystem>
#include <string>
#include <vector>

namespace tinyllm::learn {

// Names as a person writes them ("tinyllm::scalar::rms_norm(float const*, ...)"), sorted. Symbols
// that several objects may hold (inline functions, type names) do not count. Throws Error{io}.
std::vector<std::string> defined_symbols(const std::filesystem::path& object);

struct SymbolFaults {
  std::vector<std::string> missing, extra;
  bool none() const { return missing.empty() && extra.empty(); }
};
SymbolFaults compare_symbols(const std::vector<std::string>& wanted,
                             const std::vector<std::string>& found);

// One sentence a fault, for the learner. `file`: as it is shown. `header`: where the contract is.
std::string describe(const SymbolFaults& faults, const std::string& file,
                     const std::string& header);

}  // namespace tinyllm::learn
