#pragma once
// What a load run came to: percentiles of the times, throughput and goodput, as text, as JSON and
// as a picture.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "apps/bench_serve_load.h"

namespace tinyllm {

struct Percentiles {
  double p50 = 0, p90 = 0, p99 = 0;
};

// By linear interpolation between the two nearest values; 0 of nothing.
Percentiles percentiles(std::vector<double> values);

struct LoadReport {
  int n_done = 0, n_failed = 0;
  std::string first_error;
  double wall_s = 0;
  std::int64_t n_prompt = 0, n_cached = 0, n_generated = 0;
  Percentiles ttft_ms, itl_ms, total_ms;  // to the first token, between tokens, whole
  double output_tok_s = 0, total_tok_s = 0, requests_s = 0;
  double goodput_s = 0;  // requests a second that kept both limits below
  std::vector<double> ttft_all_ms, itl_all_ms;
};

// Limits of goodput: time to the first token, and the mean between tokens of one answer.
LoadReport make_report(const std::vector<LoadResult>& results, double ttft_limit_ms,
                       double itl_limit_ms);

std::string to_text(const LoadReport& report);
nlohmann::ordered_json to_json(const LoadReport& report);
// Cumulative distributions of both times, as an SVG file's text.
std::string to_svg(const LoadReport& report);

}  // namespace tinyllm
