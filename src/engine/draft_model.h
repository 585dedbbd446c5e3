#pragma once
// A smaller model with the vocabulary of the one that it drafts for, packed into a backend of its own.
// Its K/V pages are as many as the other's, so that one block table tells where the rows of both are.

#include <cstdint>
#include <memory>
#include <string>

#include "kernels/backend.h"
#include "model/decoder.h"

namespace tinyllm {

struct DraftModel {
  std::string name;                  // for messages
  std::unique_ptr<Backend> backend;  // not yet configured
  std::unique_ptr<Decoder> decoder;
};

}  // namespace tinyllm
