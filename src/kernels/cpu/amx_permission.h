#pragma once
// Linux keeps the 8 KiB of AMX's tile registers from a process that has not asked for them.

namespace tinyllm {

enum class AmxState {
  usable,      // this process has been given the tile registers
  not_in_cpu,  // the CPU lacks tiles, or their products of bf16
  refused,     // the system gives none: Linux before 5.16, or a virtual machine or container
};

// Asks Linux the first time; all threads may use tiles from then on. Any thread. x86-64 only:
// elsewhere not_in_cpu.
AmxState amx_state();

}  // namespace tinyllm
