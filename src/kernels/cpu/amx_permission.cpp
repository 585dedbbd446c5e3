#include "kernels/cpu/amx_permission.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace tinyllm {

#if defined(__x86_64__)
namespace {

// Leaf 7, EDX: bf16 (bit 22), tiles (24).
bool cpu_has_tiles() {
  constexpr unsigned kNeeded = 1u << 22 | 1u << 24;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & kNeeded) == kNeeded;
}

// Documentation/arch/x86/xstate.rst of Linux: the process and its threads, now and later.
bool ask_for_tiles() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

AmxState amx_state() {
  static const AmxState state = !cpu_has_tiles()  ? AmxState::not_in_cpu
                                : ask_for_tiles() ? AmxState::usable
                                                  : AmxState::refused;
  return state;
}
#else
AmxState amx_state() { return AmxState::not_in_cpu; }
#endif

}  // namespace tinyllm
