#include "base/version.h"

namespace tinyllm {

std::string_view version() { return TINYLLM_VERSION; }  // set by CMake for this file alone

}  // namespace tinyllm
