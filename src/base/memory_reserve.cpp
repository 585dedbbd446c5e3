#include "base/memory_reserve.h"

#include <atomic>
#include <cstdlib>
#include <exception>
#include <new>

namespace tinyllm {
namespace {

std::atomic<std::size_t> wanted{0};
std::atomic<void*> reserve{nullptr};

void give_up_reserve() {
  if (std::uncaught_exceptions() > 0) {
    if (void* held = reserve.exchange(nullptr)) {
      std::free(held);
      return;  // operator new tries again
    }
  }
  throw std::bad_alloc();
}

}  // namespace

void keep_memory_reserve(std::size_t n_bytes) {
  wanted = n_bytes;
  refill_memory_reserve();
  std::set_new_handler(give_up_reserve);
}

void refill_memory_reserve() {
  if (reserve.load() != nullptr || wanted == 0) return;
  void* block = std::malloc(wanted);
  void* none = nullptr;
  if (block != nullptr && !reserve.compare_exchange_strong(none, block)) std::free(block);
}

}  // namespace tinyllm
