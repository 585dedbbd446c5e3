#include "base/fetch_ahead.h"

namespace tinyllm {
namespace {

bool cpu_is_amd() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_is("amd") != 0;
#else
  return false;
#endif
}

}  // namespace

const std::int64_t kFetchAhead = cpu_is_amd() ? 8192 : 2048;

}  // namespace tinyllm
