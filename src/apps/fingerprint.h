#pragma once
// The system_fingerprint of the server's answers: the same as long as the same request with the same
// seed gives the same text.

#include <string>

#include "engine/engine_options.h"

namespace tinyllm {

// Of this program, the model of that name, and every option that changes the model's numbers:
// "fp_" and 10 hexadecimal digits.
std::string fingerprint_of(const std::string& model, const EngineOptions& options);

}  // namespace tinyllm
