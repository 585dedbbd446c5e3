#include "loader/architecture.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.h"
#include "base/quote.h"

namespace tinyllm {
namespace {

// Of those that GGUF files call by one name, the first is the one that they mean.
constexpr std::array<const Architecture*, 6> kAll = {&kLlamaArchitecture,    &kQwen2Architecture,
                                                     &kQwen3Architecture,    &kQwen2MoeArchitecture,
                                                     &kQwen3MoeArchitecture, &kMistralArchitecture};

const Architecture& find_by(const char* Architecture::*field, std::string_view wanted,
                            const std::string& source) {
  std::vector<std::string_view> known;
  for (const Architecture* architecture : kAll) {
    const std::string_view name = architecture->*field;
    if (wanted == name) return *architecture;
    if (std::ranges::find(known, name) == known.end()) known.push_back(name);
  }
  fail(ErrorCode::unsupported, "{}: architecture is {}, which is not supported; supported are {}",
       source, quote(wanted), fmt::join(known, ", "));
}

}  // namespace

const Architecture& find_architecture(std::string_view name, const std::string& source) {
  return find_by(&Architecture::name, name, source);
}

const Architecture& find_architecture_by_type(std::string_view hugging_face_type,
                                              const std::string& source) {
  return find_by(&Architecture::hugging_face_type, hugging_face_type, source);
}

const Architecture& find_architecture_by_class(std::string_view hugging_face_class,
                                               const std::string& source) {
  return find_by(&Architecture::hugging_face_class, hugging_face_class, source);
}

}  // namespace tinyllm
