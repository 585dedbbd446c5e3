#include "tensor/buffer.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <new>
#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kHugePage = std::int64_t{2} << 20;

bool wants_huge_pages(std::int64_t n_bytes) { return n_bytes >= 2 * kHugePage; }

std::align_val_t alignment(std::int64_t n_bytes) {
  return std::align_val_t{wants_huge_pages(n_bytes) ? std::size_t{kHugePage} : std::size_t{64}};
}

// Weights and K/V pages are read from end to end: with 4 KiB pages the page walks cost up to half
// of the memory's speed. The last huge page is left out unless it is whole. A kernel that has no
// huge pages to give ignores the request.
void ask_for_huge_pages([[maybe_unused]] std::byte* data, [[maybe_unused]] std::int64_t n_bytes) {
#if defined(__linux__)
  const std::int64_t whole = n_bytes / kHugePage * kHugePage;
  ::madvise(data, whole, MADV_HUGEPAGE);
#endif
}

}  // namespace

Buffer::Buffer(std::int64_t n_bytes, const char* what) : n_bytes_(n_bytes) {
  CHECK(n_bytes >= 0, "a buffer of {} bytes", n_bytes);
  if (n_bytes == 0) return;
  data_ = static_cast<std::byte*>(::operator new(n_bytes, alignment(n_bytes), std::nothrow));
  if (data_ == nullptr) {
    fail(ErrorCode::out_of_memory, "{}: {:.1f} MB of memory wanted, the system gave none", what,
         static_cast<double>(n_bytes) / 1e6);
  }
  if (wants_huge_pages(n_bytes)) ask_for_huge_pages(data_, n_bytes);
}

Buffer::~Buffer() { ::operator delete(data_, alignment(n_bytes_)); }

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), n_bytes_(std::exchange(other.n_bytes_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(n_bytes_, other.n_bytes_);
  return *this;
}

}  // namespace tinyllm
