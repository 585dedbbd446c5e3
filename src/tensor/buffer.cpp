#include "tensor/buffer.h"

#include <new>
#include <utility>

#include "base/check.h"
#include "base/error.h"

namespace tinyllm {
namespace {
constexpr std::align_val_t kAlignment{64};
}

Buffer::Buffer(std::int64_t n_bytes, const char* what) : n_bytes_(n_bytes) {
  CHECK(n_bytes >= 0, "a buffer of {} bytes", n_bytes);
  if (n_bytes == 0) return;
  data_ = static_cast<std::byte*>(
      ::operator new(static_cast<std::size_t>(n_bytes), kAlignment, std::nothrow));
  if (data_ == nullptr) {
    fail(ErrorCode::out_of_memory, "{}: {:.1f} MB of memory wanted, the system gave none", what,
         static_cast<double>(n_bytes) / 1e6);
  }
}

Buffer::~Buffer() { ::operator delete(data_, kAlignment); }

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), n_bytes_(std::exchange(other.n_bytes_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(n_bytes_, other.n_bytes_);
  return *this;
}

}  // namespace tinyllm
