#include "kernels/cpu/pick_isa.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/check.h"
#include "base/error.h"
#include "kernels/cpu/amx_permission.h"
#include "kernels/cpu/isa_tables.h"
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace tinyllm {
namespace {

struct Isa {
  const RowKernels* table;
  bool available;
  bool emulated = false;  // runs, but is for tests only
};

#if defined(__x86_64__)
bool cpu_has_avx2() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  // __builtin_cpu_supports also asks whether the system saves the wide registers; it does not know
  // F16C in clang 16.
  const bool f16c = __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
  return f16c && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

// What __builtin_cpu_supports does not know in clang 16. 0 where there is no such leaf.
unsigned leaf_7_1_eax() {
  unsigned last_subleaf = 0, eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 0, &last_subleaf, &ebx, &ecx, &edx) == 0 || last_subleaf < 1) return 0;
  __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx);
  return eax;
}

// Leaf 7, subleaf 1, EAX bit 4.
bool cpu_has_avxvnni() { return cpu_has_avx2() && (leaf_7_1_eax() & 1u << 4) != 0; }

// What the avx512 files are compiled for.
bool cpu_has_avx512() {
  return cpu_has_avx2() && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
         __builtin_cpu_supports("avx512vnni");
}

// Leaf 7, subleaf 1, EAX bit 5.
bool cpu_has_avx512bf16() { return cpu_has_avx512() && (leaf_7_1_eax() & 1u << 5) != 0; }

// Xeons multiply pairs of bf16 at half the speed of f32 (docs/decisions/amx.md), Zen 4 and 5 at
// twice.
bool cpu_is_intel() { return __builtin_cpu_is("intel"); }

bool cpu_has_amx() { return cpu_has_avx512bf16() && amx_state() == AmxState::usable; }
#elif defined(__aarch64__)
bool cpu_has_neon_dot() { return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0; }
bool cpu_has_neonbf16() { return cpu_has_neon_dot() && (getauxval(AT_HWCAP2) & HWCAP2_BF16) != 0; }
#endif

// Best first.
std::vector<Isa> all_isas() {
  std::vector<Isa> isas;
#if defined(__x86_64__)
  isas.push_back({&amx_row_kernels(), cpu_has_amx()});
  const Isa bf16 = {&avx512bf16_row_kernels(), cpu_has_avx512bf16()};
  if (!cpu_is_intel()) isas.push_back(bf16);
  isas.push_back({&avx512_row_kernels(), cpu_has_avx512()});
  if (cpu_is_intel()) isas.push_back(bf16);
  isas.push_back({&avxvnni_row_kernels(), cpu_has_avxvnni()});
  isas.push_back({&avx2_row_kernels(), cpu_has_avx2()});
  isas.push_back({&amx_emulated_row_kernels(), cpu_has_avx512bf16(), /*emulated=*/true});
#elif defined(__aarch64__)
  isas.push_back({&neonbf16_row_kernels(), cpu_has_neonbf16()});
  isas.push_back({&neon_row_kernels(), cpu_has_neon_dot()});
#endif
  isas.push_back({&scalar_row_kernels(), true});
  return isas;
}

std::string list_of_available() {
  std::string list;
  for (const std::string_view isa : available_isas()) {
    if (!list.empty()) list += ", ";
    list += isa;
  }
  return list;
}

const RowKernels& find_table(std::string_view isa, std::string_view setting) {
  for (const Isa& known : all_isas()) {
    if (isa != known.table->isa) continue;
    if (known.available) return *known.table;
    fail(ErrorCode::invalid_input, "{}: this CPU has no {}; it has {}", setting, isa,
         list_of_available());
  }
  fail(ErrorCode::invalid_input, "{}: '{}' is not an instruction set of this CPU; it has {}",
       setting, isa, list_of_available());
}

// Copies the entry called `kernel` from `from`; false when there is none of that name.
bool override_entry(RowKernels& table, std::string_view kernel, const RowKernels& from) {
  const auto copy_if = [&](std::string_view name, auto member) {
    if (kernel != name) return false;
    table.*member = from.*member;
    return true;
  };
  if (kernel == "panels") {
    table.quant_panel = from.quant_panel;
    table.float_panel = from.float_panel;
    table.bf16_panel = from.bf16_panel;
    table.round_act = from.round_act;
    return true;
  }
  return copy_if("rms_norm", &RowKernels::rms_norm) ||
         copy_if("quantise_act", &RowKernels::quantise_act) ||
         copy_if("rope_split_halves", &RowKernels::rope_split_halves) ||
         copy_if("rope_interleaved", &RowKernels::rope_interleaved) ||
         copy_if("store_kv", &RowKernels::store_kv) ||
         copy_if("attention", &RowKernels::attention) ||
         copy_if("silu_mul", &RowKernels::silu_mul) || copy_if("add", &RowKernels::add) ||
         copy_if("layer_norm", &RowKernels::layer_norm) || copy_if("gelu", &RowKernels::gelu) ||
         copy_if("dot_i8", &RowKernels::dot_i8);
}

constexpr const char* kKernelNames =
    "rms_norm, quantise_act, panels, rope_split_halves, rope_interleaved, store_kv, attention, "
    "silu_mul, add, layer_norm, gelu, dot_i8";

}  // namespace

std::vector<std::string_view> available_isas() {
  std::vector<std::string_view> names;
  for (const Isa& isa : all_isas()) {
    if (isa.available && !isa.emulated) names.emplace_back(isa.table->isa);
  }
  return names;
}

std::vector<std::string_view> testable_isas() {
  std::vector<std::string_view> names = available_isas();
  for (const Isa& isa : all_isas()) {
    if (isa.available && isa.emulated) names.emplace_back(isa.table->isa);
  }
  return names;
}

std::string describe_isas() {
  std::string text = list_of_available();
#if defined(__x86_64__)
  switch (amx_state()) {
    case AmxState::usable: break;
    case AmxState::not_in_cpu: text += "; this CPU has no AMX"; break;
    case AmxState::refused:
      text +=
          "; this CPU has AMX, but Linux gives no tile registers (it does since 5.16, unless a "
          "virtual machine hides them)";
      break;
  }
#endif
  return text;
}

const RowKernels& row_kernels(std::string_view isa) { return find_table(isa, "row_kernels"); }

RowKernels pick_row_kernels(std::string_view isa_setting, std::string_view kernels_setting) {
  const std::string_view isa = isa_setting.empty() ? available_isas().front() : isa_setting;
  RowKernels table = find_table(isa, "TINYLLM_ISA");
  while (!kernels_setting.empty()) {
    const std::string_view item = kernels_setting.substr(0, kernels_setting.find(','));
    kernels_setting.remove_prefix(std::min(kernels_setting.size(), item.size() + 1));
    const std::size_t equals = item.find('=');
    const std::string_view kernel = item.substr(0, equals);
    const std::string_view from = equals == item.npos ? "" : item.substr(equals + 1);
    if (!override_entry(table, kernel, find_table(from, "TINYLLM_KERNELS"))) {
      fail(ErrorCode::invalid_input, "TINYLLM_KERNELS: '{}' is not a kernel; the kernels are {}",
           kernel, kKernelNames);
    }
    table.isa = kMixedIsa;
  }
  return table;
}

RowKernels with_exact_floats(RowKernels table) {
  if (table.bf16_panel == nullptr) return table;
  table.bf16_panel = nullptr;
  table.round_act = nullptr;
  if (table.isa != std::string_view(kMixedIsa)) table.isa = table.exact_isa;
  return table;
}

RowKernels pick_row_kernels() {
  const char* isa = std::getenv("TINYLLM_ISA");
  const char* kernels = std::getenv("TINYLLM_KERNELS");
  return pick_row_kernels(isa == nullptr ? "" : isa, kernels == nullptr ? "" : kernels);
}

}  // namespace tinyllm
