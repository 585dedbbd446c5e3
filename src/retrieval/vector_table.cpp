#include "retrieval/vector_table.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "kernels/cpu/row_kernels.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kRowsAtOnce = 256;  // of 384 bytes: 96 KiB, in a core's own cache

bool is_nearer(const NearRow& a, const NearRow& b) {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

// The best k of what it is shown; the worst of them is on top of the heap.
class Best {
 public:
  explicit Best(std::size_t k) : k_(k) {}

  void add(const NearRow& row) {
    if (rows_.size() == k_ && !is_nearer(row, rows_.front())) return;
    if (rows_.size() == k_) {
      std::ranges::pop_heap(rows_, is_nearer);
      rows_.pop_back();
    }
    rows_.push_back(row);
    std::ranges::push_heap(rows_, is_nearer);
  }
  const std::vector<NearRow>& rows() const { return rows_; }

 private:
  std::size_t k_;
  std::vector<NearRow> rows_;
};

}  // namespace

ByteVector to_bytes(std::span<const float> vector) {
  float most = 0;
  for (const float value : vector) most = std::max(most, std::fabs(value));
  ByteVector bytes{.scale = most / 127.0f, .bytes = std::vector<std::int8_t>(vector.size(), 0)};
  if (bytes.scale == 0) return bytes;
  for (std::size_t i = 0; i < vector.size(); ++i)
    bytes.bytes[i] = static_cast<std::int8_t>(std::nearbyint(vector[i] / bytes.scale));
  return bytes;
}

VectorTable::VectorTable(std::int64_t n_dims) : n_dims_(n_dims), stride_((n_dims + 63) / 64 * 64) {
  CHECK(n_dims > 0 && n_dims <= 65536, "vectors of {}", n_dims);
}

void VectorTable::reserve(std::size_t n_rows) {
  scales_.reserve(n_rows);
  rows_.reserve(n_rows * static_cast<std::size_t>(stride_));
}

void VectorTable::add(float scale, std::span<const std::int8_t> bytes) {
  CHECK(std::ssize(bytes) == n_dims_, "a vector of {}, want {}", bytes.size(), n_dims_);
  scales_.push_back(scale);
  rows_.insert(rows_.end(), bytes.begin(), bytes.end());
  rows_.resize(scales_.size() * static_cast<std::size_t>(stride_), 0);
}

std::vector<NearRow> VectorTable::nearest(std::span<const float> query, std::size_t k,
                                          const std::vector<bool>& allowed, ThreadPool& pool,
                                          const RowKernels& kernels) const {
  CHECK(std::ssize(query) == n_dims_, "a query of {}, want {}", query.size(), n_dims_);
  CHECK(allowed.empty() || allowed.size() == n_rows(), "{} rows allowed", allowed.size());
  if (k == 0 || n_rows() == 0) return {};
  ByteVector x = to_bytes(query);
  x.bytes.resize(static_cast<std::size_t>(stride_), 0);
  std::vector<Best> best(static_cast<std::size_t>(pool.n_workers()), Best(k));
  const auto scan = [&](int worker, std::int64_t begin, std::int64_t end) {
    std::int32_t dots[kRowsAtOnce];
    kernels.dot_i8(rows_.data() + begin * stride_, end - begin, stride_, x.bytes.data(), dots);
    Best& mine = best[static_cast<std::size_t>(worker)];
    for (std::int64_t r = begin; r < end; ++r) {
      const auto row = static_cast<std::size_t>(r);
      if (!allowed.empty() && !allowed[row]) continue;
      mine.add({row, static_cast<float>(dots[r - begin]) * scales_[row] * x.scale});
    }
  };
  pool.parallel_for(static_cast<std::int64_t>(n_rows()), kRowsAtOnce, scan);
  std::vector<NearRow> found;
  for (const Best& of_worker : best)
    found.insert(found.end(), of_worker.rows().begin(), of_worker.rows().end());
  std::ranges::sort(found, is_nearer);
  if (found.size() > k) found.resize(k);
  return found;
}

}  // namespace tinyllm
