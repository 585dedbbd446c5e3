// ./tiny microbench: every kernel of every instruction set of this CPU alone, on one core, with
// weights from the L2 cache and from memory, beside what the core can do (bench/peaks.h, the
// bandwidth probe). Kernels are timed by Google Benchmark; its own flags work too.
//
// usage: microbench [--filter REGEX] [--json] [--min-time SECONDS]
//   names to filter: ISA/KERNEL[/TOKENS]/PLACE, e.g. avx2/w4k/1/dram

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "apps/read_bandwidth.h"
#include "kernels/cpu/input_rows.h"
#include "kernels/cpu/layout/attention_queries.h"
#include "kernels/cpu/layout/tile.h"
#include "kernels/cpu/pick_isa.h"
#include "kernels/cpu/residual_blocks.h"
#include "peaks.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr std::int64_t kCols = 2048;          // of a panel: 42 to 256 KiB
constexpr std::int64_t kL2Bytes = 256 << 10;  // panels that are swept again and again
constexpr std::int64_t kMostTokens = 512;
constexpr std::int64_t kTokenCounts[] = {1, 2, 4, 8, 32, 512};
constexpr std::int32_t kHeadDim = 128, kBlockSize = 32, kQueryHeads = 6;

// What one core does at most, in 10^9 operations a second by kind; empty: not known.
json limits_of(std::string_view isa) {
  const auto limits = [](double int8, double f32) {
    return json{{"int8_gops", int8 / 1e9}, {"f32_gops", f32 / 1e9}};
  };
#if defined(__x86_64__)
  if (isa == "amx") return {{"bf16_gops", peak_bf16_amx() / 1e9}};
  if (isa == "avx512bf16") return {{"bf16_gops", peak_bf16_avx512() / 1e9}};
  if (isa == "avx512") return limits(peak_int8_avx512(), peak_f32_avx512());
  if (isa == "avxvnni") return limits(peak_int8_avxvnni(), peak_f32_avx2());
  if (isa == "avx2") return limits(peak_int8_avx2(), peak_f32_avx2());
#endif
  return json::object();
}

// Weights: any bytes do, but as scales and floats they should be ordinary numbers. 0x10 to 0x2f
// twice is f16 of 0.0005 to 0.12 and bf16, f32 of 1e-29 to 1e-10.
Buffer make_weights(std::int64_t n_bytes) {
  Buffer bytes(n_bytes, "weights");
  std::minstd_rand random(1);
  const std::int64_t n_made = std::min<std::int64_t>(n_bytes, 1 << 20);
  for (std::int64_t i = 0; i < n_made; ++i) bytes.data()[i] = std::byte(0x10 + random() % 0x20);
  for (std::int64_t i = n_made; i < n_bytes; i += n_made) {
    std::memcpy(bytes.data() + i, bytes.data(), std::size_t(std::min(n_made, n_bytes - i)));
  }
  return bytes;
}

InputRows make_input_rows(const RowKernels& kernels) {
  InputRows x(kMostTokens, kCols);
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  for (std::int64_t t = 0; t < kMostTokens; ++t) {
    for (std::int64_t i = 0; i < kCols; ++i) x.row(t)[i] = normal(random);
    x.convert(kernels, {.bf16 = kernels.round_act != nullptr, .int8 = true}, t, /*split_above=*/1e9f);
  }
  return x;
}

// Bytes and operations of one iteration, as rates.
void count(benchmark::State& state, double bytes, double ops) {
  const auto rate = benchmark::Counter::kIsIterationInvariantRate;
  state.counters["bytes"] = benchmark::Counter(bytes, rate);
  state.counters["ops"] = benchmark::Counter(ops, rate);
}

// One iteration: one panel, the next one of `n_bytes` of weights, times n_tokens.
void run_panel(benchmark::State& state, const RowKernels& kernels, TileFormat format,
               const Buffer& weights, std::int64_t n_bytes, std::int64_t n_tokens) {
  const InputRows x = make_input_rows(kernels);
  ResidualBlocks residuals(1, kMaxPanelTokens, kCols);  // all blocks are like the first: none is split
  residuals.collect(0, 0, x.quantised(), kMaxPanelTokens, kCols);
  const auto slot = static_cast<std::size_t>(format);
  const std::int64_t bytes = panel_bytes(format, kCols);
  const std::int64_t n_panels = std::max<std::int64_t>(1, n_bytes / bytes);
  alignas(64) float y[kMaxPanelTokens * kTileRows];
  std::int64_t i = 0;
  for (auto _ : state) {
    const std::byte* panel = weights.data() + i * bytes;
    for (std::int64_t t = 0; t < n_tokens; t += kMaxPanelTokens) {
      const std::int64_t n = std::min(kMaxPanelTokens, n_tokens - t);
      if (format == TileFormat::bf16_pairs) {
        kernels.bf16_panel(panel, kCols, x.rounded(t), x.stride(), n, y, kTileRows);
      } else if (kernels.quant_panel[slot] != nullptr) {
        kernels.quant_panel[slot](panel, kCols, x.quantised() + t, &residuals[0], n, y, kTileRows);
      } else {
        kernels.float_panel[slot](panel, kCols, x.row(t), x.stride(), n, y, kTileRows);
      }
    }
    benchmark::ClobberMemory();
    i = i + 1 == n_panels ? 0 : i + 1;
  }
  count(state, double(bytes), 2.0 * double(kTileRows * kCols * n_tokens));
}

// Queries at the end of `context` positions. One iteration is one K/V head, the next one among
// `n_bytes` of pages.
void run_attention(benchmark::State& state, const RowKernels& kernels, const Buffer& pages,
                   std::int64_t n_bytes, KvType type, std::int32_t n_tokens, std::int32_t context) {
  const std::int64_t page_bytes = kv_page_bytes(type, kBlockSize, kHeadDim);
  const std::int32_t n_blocks = (context + kBlockSize - 1) / kBlockSize;
  const std::int64_t n_heads = std::max<std::int64_t>(1, n_bytes / (n_blocks * page_bytes));
  std::vector<std::int32_t> table(n_blocks);
  std::iota(table.begin(), table.end(), 0);
  std::vector<float> q(std::size_t(n_tokens * kQueryHeads * kHeadDim), 0.1f), out(q.size());
  const std::int64_t stride = std::int64_t{kQueryHeads} * kHeadDim;
  const AttentionQueries queries = {.q = q.data(),
                                    .out = out.data(),
                                    .q_stride = stride,
                                    .out_stride = stride,
                                    .n_tokens = n_tokens,
                                    .n_heads = kQueryHeads,
                                    .position = context - n_tokens,
                                    .window = 0,
                                    .sinks = 0,
                                    .sink_q = nullptr};
  std::vector<float> scratch(std::size_t(attention_scratch_floats(queries.n_queries(), kHeadDim)));
  const AttentionKernels attention = attention_for(kernels.attention, type, kBlockSize, kHeadDim);
  std::int64_t i = 0;
  for (auto _ : state) {
    // The kernel only reads; pages are not const because store_kv writes through the same struct.
    const KvPages kv = {const_cast<std::byte*>(pages.data()) + i * n_blocks * page_bytes,
                        page_bytes, kBlockSize, kHeadDim, type};
    attention.attend(queries, kv, table.data(), 0.1f, scratch.data());
    benchmark::ClobberMemory();
    i = i + 1 == n_heads ? 0 : i + 1;
  }
  const double n_positions = double(n_tokens) * (context - (n_tokens - 1) / 2.0);
  count(state, double(kv_page_bytes(type, 1, kHeadDim)) * context,
        4.0 * kHeadDim * kQueryHeads * n_positions);
}

// One iteration: one row, read and written.
template <typename Call>
void run_row(benchmark::State& state, double bytes, Call call) {
  for (auto _ : state) {
    call();
    benchmark::ClobberMemory();
  }
  count(state, bytes, 0);
}

void register_rows(const RowKernels& kernels, const std::string& isa) {
  const auto add = [&](const char* name, int n_floats, auto call) {
    benchmark::RegisterBenchmark((isa + "/" + name + "/l2").c_str(), [=](benchmark::State& state) {
      std::vector<float> x(kCols, 0.5f), y(kCols, 0.25f), out(kCols);
      InputRows act(1, kCols);
      std::fill_n(act.row(0), kCols, 0.5f);
      run_row(state, 4.0 * n_floats * kCols, [&] { call(x.data(), y.data(), out.data(), act); });
    });
  };
  const RowKernels* k = &kernels;
  add("rms_norm", 3,
      [k](float* x, float* y, float* out, InputRows&) { k->rms_norm(x, y, out, kCols, 1e-6f); });
  add("silu_mul", 3,
      [k](float* x, float* y, float* out, InputRows&) { k->silu_mul(x, y, out, kCols); });
  add("add", 3, [k](float* x, float* y, float*, InputRows&) { k->add(x, y, kCols); });
  add("quantise_act", 1,
      [k](float*, float*, float*, InputRows& act) { act.convert(*k, {.int8 = true}, 0, 4.0f); });
  add("rope_split_halves", 3, [k](float* x, float* y, float* out, InputRows&) {
    k->rope_split_halves(out, x, y, kCols);
  });
  add("dot_i8", 1, [k](float* x, float* y, float* out, InputRows&) {  // four rows of bytes
    k->dot_i8(reinterpret_cast<const std::int8_t*>(x), 4, kCols,
              reinterpret_cast<const std::int8_t*>(y), reinterpret_cast<std::int32_t*>(out));
  });
}

// Of a table that is another with bf16_panel only that.
bool has_own_panel(const RowKernels& kernels, TileFormat format) {
  const bool is_pairs = format == TileFormat::bf16_pairs;
  return kernels.exact_isa != nullptr ? is_pairs : !is_pairs;
}

void register_kernels(const RowKernels& kernels, const Buffer& weights) {
  const std::string isa = kernels.isa;
  for (int i = 0; i < kNumTileFormats; ++i) {
    const auto format = static_cast<TileFormat>(i);
    if (!has_own_panel(kernels, format)) continue;
    for (const std::int64_t n_tokens : kTokenCounts) {
      for (const bool dram : {false, true}) {
        const std::int64_t n_bytes = dram ? weights.n_bytes() : kL2Bytes;
        const std::string name =
            fmt::format("{}/{}/{}/{}", isa, info(format).name, n_tokens, dram ? "dram" : "l2");
        benchmark::RegisterBenchmark(name.c_str(), [=, &kernels, &weights](auto& state) {
          run_panel(state, kernels, format, weights, n_bytes, n_tokens);
        });
      }
    }
  }
  if (kernels.exact_isa != nullptr) return;
  for (const KvType type : {KvType::bf16, KvType::int8, KvType::fp8, KvType::q4}) {
    for (const auto& [n_tokens, context] : {std::pair{1, 512}, {1, 4096}, {16, 512}}) {
      for (const bool dram : {false, true}) {
        const std::int64_t n_bytes = dram ? weights.n_bytes() : 0;  // one head: L2, or L3 if long
        const std::string label = fmt::format("{}/attention {} of {}/{}/{}", isa, name(type),
                                              context, n_tokens, dram ? "dram" : "l2");
        benchmark::RegisterBenchmark(label.c_str(), [=, &kernels, &weights](auto& state) {
          run_attention(state, kernels, weights, n_bytes, type, n_tokens, context);
        });
      }
    }
  }
  register_rows(kernels, isa);
}

// The name of the limit that holds for a kernel.
const char* limit_name(const std::string& kernel) {
  if (kernel.starts_with("bf16_pairs")) return "bf16_gops";
  const bool counts_floats = kernel.starts_with("f32") || kernel.starts_with("f16") ||
                             kernel.starts_with("bf16") || kernel.starts_with("attention");
  return counts_floats ? "f32_gops" : "int8_gops";
}

// Turns runs into rows of the report; prints them as they come unless JSON is wanted.
class Reporter final : public benchmark::BenchmarkReporter {
 public:
  Reporter(const json& limits, double bandwidth, bool prints)
      : limits_(limits), bandwidth_(bandwidth), prints_(prints) {}

  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) add(run);
  }
  const json& rows() const { return rows_; }

 private:
  void add(const Run& run) {
    const std::string name = run.benchmark_name();
    const std::string isa = name.substr(0, name.find('/'));
    const bool dram = name.ends_with("/dram");
    const double bytes = run.counters.at("bytes").value, ops = run.counters.at("ops").value;
    const std::string kernel = name.substr(isa.size() + 1);
    json row = {{"name", name}, {"gb_s", bytes / 1e9}, {"gops", ops / 1e9}};
    const double peak = limits_.value(isa, json::object()).value(limit_name(kernel), 0.0);
    double limit = peak * 1e9;  // the roofline: arithmetic, or what memory brings
    if (dram) limit = std::min(limit, bandwidth_ * ops / bytes);
    if (ops > 0 && peak > 0) row["share_of_limit"] = ops / limit;
    rows_.push_back(row);
    if (!prints_) return;
    const std::string share =
        row.contains("share_of_limit") ? fmt::format("{:.0f} %", 100 * ops / limit) : "-";
    fmt::print("{:<36}{:>9.1f}{:>10.1f}{:>10}\n", name, bytes / 1e9, ops / 1e9, share);
    std::fflush(stdout);
  }

  const json& limits_;
  double bandwidth_;
  bool prints_;
  json rows_ = json::array();
};

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
  }
  return "unknown";
}

struct Settings {
  std::string filter = "-^scalar";  // all but these, which take minutes: ask for them
  std::string min_time = "0.02";
  bool as_json = false;
};

Settings read_settings(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json") {
      settings.as_json = true;
    } else if (word == "--filter" && i + 1 < argc) {
      settings.filter = argv[++i];
    } else if (word == "--min-time" && i + 1 < argc) {
      settings.min_time = argv[++i];
    } else {
      fmt::print(stderr,
                 "microbench: '{}' is no option; usage: ./tiny microbench [--filter REGEX] "
                 "[--json] [--min-time SECONDS]\n",
                 word);
      std::exit(2);
    }
  }
  return settings;
}

void run(const Settings& settings) {
  ThreadPool pool(1);
  // The best: kernels run for moments only, and one of other work must not become the limit.
  const double bandwidth = measure_read_bandwidth(pool).best;
  json limits = {};
  for (const std::string_view isa : available_isas()) {
    json of_isa = limits_of(isa);
    if (!of_isa.empty()) limits[isa] = std::move(of_isa);
  }
  const Buffer weights = make_weights(uncached_bytes());
  for (const std::string_view isa : available_isas()) register_kernels(row_kernels(isa), weights);
  std::vector<std::string> words = {"microbench", "--benchmark_filter=" + settings.filter,
                                    "--benchmark_min_time=" + settings.min_time};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  int n = static_cast<int>(arguments.size());
  benchmark::Initialize(&n, arguments.data());
  if (!settings.as_json) {
    fmt::print("one core reads memory at {:.1f} GB/s\n", bandwidth / 1e9);
    for (const auto& [isa, of_isa] : limits.items()) {
      for (const auto& [kind, gops] : of_isa.items()) {
        const std::string number = kind.substr(0, kind.find('_'));
        fmt::print("{}: at most {:.0f} GOPS of {}\n", isa, gops.get<double>(), number);
      }
    }
    fmt::print("\n{:<36}{:>9}{:>10}{:>10}\n", "kernel/tokens/weights from", "GB/s", "GOPS",
               "of limit");
  }
  Reporter reporter(limits, bandwidth, !settings.as_json);
  if (benchmark::RunSpecifiedBenchmarks(&reporter) == 0) {
    fmt::print(stderr, "microbench: --filter '{}' names no kernel; try 'avx2/w4k'\n",
               settings.filter);
    std::exit(2);
  }
  if (!settings.as_json) return;
  const json report = {{"cpu", cpu_name()},
                       {"read_bandwidth_gb_s", bandwidth / 1e9},
                       {"limits", limits},
                       {"kernels", reporter.rows()}};
  fmt::print("{}\n", report.dump(1));
}

}  // namespace
}  // namespace tinyllm

int main(int argc, char** argv) {
  tinyllm::run(tinyllm::read_settings(argc, argv));
  return 0;
}
