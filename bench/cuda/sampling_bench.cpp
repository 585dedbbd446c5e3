// Sampling alone: rows of 152k logits, in the ways that requests ask for.

#include <cstdio>

#include "bench_device.h"
#include "bench_models.h"
#include "kernels/cuda/sampling.h"

namespace tinyllm::cuda {
namespace {

constexpr std::int32_t kVocabSize = 151936;

struct Kind {
  const char* name;
  float temperature, top_p;
  std::int32_t top_k;
  float repetition_penalty;
  std::int32_t n_logprobs;
};
constexpr Kind kKinds[] = {
    {"greedy", 0.0f, 1.0f, 0, 1.0f, -1},      {"temperature", 0.7f, 1.0f, 0, 1.0f, -1},
    {"top_p 0.95", 0.7f, 0.95f, 0, 1.0f, -1}, {"top_k 20, top_p 0.95", 0.7f, 0.95f, 20, 1.0f, -1},
    {"penalties", 0.7f, 1.0f, 0, 1.1f, -1},   {"5 logprobs", 0.7f, 1.0f, 0, 1.0f, 5},
};

DeviceBuffer zeros(std::int64_t n_bytes) {
  DeviceBuffer buffer(n_bytes, "bench");
  check(cudaMemset(buffer.data(), 0, static_cast<std::size_t>(n_bytes)), "clear");
  return buffer;
}

// State, scratch and results of n rows.
struct Memory {
  explicit Memory(std::int64_t n)
      : last_drawn(zeros(n * 4)),
        counts(zeros(n * kVocabSize * 4)),
        processed(zeros(n * kVocabSize * 4)),
        chunk_best(zeros(n * n_sample_chunks(kVocabSize) * 16)),
        chunk_finite(zeros(n * n_sample_chunks(kVocabSize) * 4)),
        arrivals(zeros(n * 4)),
        stats(zeros(n * static_cast<std::int64_t>(sizeof(RowStats)))),
        bin_counts(zeros(n * kMassBins * 4)),
        bin_masses(zeros(n * kMassBins * 8)),
        token_ids(zeros(n * 4)),
        reports(zeros(n * static_cast<std::int64_t>(sizeof(RowReport)))),
        top_ids(zeros(n * 80)),
        top_logits(zeros(n * 80)) {}
  SamplerState state() const { return {last_drawn.as<TokenId>(), counts.as<std::uint32_t>()}; }
  SamplerScratch scratch() const {
    return {processed.as<float>(),
            chunk_best.as<std::uint64_t>(),
            chunk_finite.as<std::int32_t>(),
            arrivals.as<std::int32_t>(),
            stats.as<RowStats>(),
            bin_counts.as<std::uint32_t>(),
            bin_masses.as<std::uint64_t>()};
  }
  SampleResults results() const {
    return {token_ids.as<TokenId>(), reports.as<RowReport>(), top_ids.as<TokenId>(),
            top_logits.as<float>(), 20};
  }

  DeviceBuffer last_drawn, counts, processed, chunk_best, chunk_finite, arrivals, stats, bin_counts,
      bin_masses, token_ids, reports, top_ids, top_logits;
};

void bench(const DeviceContext& context, double bandwidth, int n_rows, const Kind& kind) {
  const int n_batches = std::max(2, 512 / n_rows);  // 300 MB of logits at least
  const DeviceBuffer logits(std::int64_t{n_batches} * n_rows * kVocabSize * 4, "logits");
  fill_normal_f32(logits, 3.0f, 1);
  std::vector<SampleRow> rows(static_cast<std::size_t>(n_rows));
  for (int i = 0; i < n_rows; ++i) {
    SampleRow& row = rows[static_cast<std::size_t>(i)];
    row.row_slot = i;
    row.draws = 1;
    row.seed = static_cast<std::uint64_t>(i);
    row.temperature = kind.temperature;
    row.top_p = kind.top_p;
    row.top_k = kind.top_k;
    row.repetition_penalty = kind.repetition_penalty;
    row.n_logprobs = kind.n_logprobs;
  }
  const DeviceBuffer device_rows = to_device(rows);
  const Memory memory(n_rows);
  const double us =
      1e6 * seconds_a_launch(context, n_batches, [&](int i) {
        const SampleBatchView batch = {
            .n_rows = n_rows,
            .vocab_size = kVocabSize,
            .rows = device_rows.as<SampleRow>(),
            .logits = logits.as<float>() + std::int64_t{i} * n_rows * kVocabSize,
            .logits_stride = kVocabSize};
        launch_prepare_rows(context, batch, memory.state(), memory.scratch(), memory.results());
        if (kind.temperature > 0)
          launch_draw_rows(context, batch, memory.scratch(), memory.results());
        if (kind.n_logprobs >= 0)
          launch_report_rows(context, batch, memory.scratch(), memory.results());
        launch_accept_rows(context, batch, memory.state(), memory.results());
      });
  std::printf("sampling %4d rows of %d, %-22s %8.2f us; one read of the logits: %7.2f us\n", n_rows,
              kVocabSize, kind.name, us, 4.0 * n_rows * kVocabSize / bandwidth / 1e3);
}

}  // namespace
}  // namespace tinyllm::cuda

int main() {
  using namespace tinyllm::cuda;
  const DeviceContext context;
  const double bandwidth = read_bandwidth(context);
  std::printf("%s, reads at %.0f GB/s\n", context.name().c_str(), bandwidth);
  for (const int n_rows : {1, 8, 64, 256}) {
    for (const Kind& kind : kKinds) bench(context, bandwidth, n_rows, kind);
  }
}
