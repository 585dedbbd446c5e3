#include "loader/architecture.h"

#include <array>

#include "base/error.h"
#include "base/quote.h"

namespace tinyllm {
namespace {

constexpr std::array<const Architecture*, 5> kAll = {&kLlamaArchitecture, &kQwen2Architecture,
                                                     &kQwen3Architecture, &kQwen2MoeArchitecture,
                                                     &kQwen3MoeArchitecture};

const Architecture& find_by(const char* Architecture::*field, std::string_view wanted,
                            const std::string& source) {
  std::string known;
  for (const Architecture* architecture : kAll) {
    if (wanted == architecture->*field) return *architecture;
    if (!known.empty()) known += ", ";
    known += architecture->*field;
  }
  fail(ErrorCode::unsupported, "{}: architecture is {}, which is not supported; supported are {}",
       source, quote(wanted), known);
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
