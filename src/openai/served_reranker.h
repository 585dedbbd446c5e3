#pragma once
// A cross-encoder as the API sees it, with the names it goes by. Immutable: any thread.

#include <cstdint>
#include <string>
#include <vector>

#include "encoder/cross_encoder.h"

namespace tinyllm {

struct ServedReranker {
  const CrossEncoder* model = nullptr;
  std::vector<std::string> names;  // at least one; answers carry the first
  std::int64_t created = 0;        // seconds since 1970
};

}  // namespace tinyllm
