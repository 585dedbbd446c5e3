#include "apps/bench_serve_report.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr double kMs = 1000;

json to_json(const Percentiles& times) {
  return {{"p50", times.p50}, {"p90", times.p90}, {"p99", times.p99}};
}

std::string line(const char* name, const Percentiles& times) {
  return fmt::format("{:<22}{:>10.1f}{:>10.1f}{:>10.1f}\n", name, times.p50, times.p90, times.p99);
}

// A curve from 0 to 1 over a logarithmic time axis.
std::string curve(std::vector<double> values, double low, double high, const char* color) {
  std::ranges::sort(values);
  std::string points;
  const std::size_t step = std::max<std::size_t>(1, values.size() / 300);
  for (std::size_t i = 0; i < values.size(); i += step) {
    const double x = std::log10(std::max(values[i], low) / low) / std::log10(high / low);
    const double y = static_cast<double>(i + 1) / static_cast<double>(values.size());
    points += fmt::format("{:.1f},{:.1f} ", 60 + 520 * x, 260 - 230 * y);
  }
  return fmt::format(R"(<polyline fill="none" stroke="{}" stroke-width="2" points="{}"/>)"
                     "\n",
                     color, points);
}

}  // namespace

Percentiles percentiles(std::vector<double> values) {
  if (values.empty()) return {};
  std::ranges::sort(values);
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    const double part = place - static_cast<double>(below);
    return values[below] * (1 - part) + values[above] * part;
  };
  return {at(0.5), at(0.9), at(0.99)};
}

LoadReport make_report(const std::vector<LoadResult>& results, double ttft_limit_ms,
                       double itl_limit_ms) {
  LoadReport report;
  std::vector<double> totals;
  int n_good = 0;
  for (const LoadResult& result : results) {
    report.wall_s = std::max(report.wall_s, result.end_s);
    if (!result.error.empty() || result.token_times.empty()) {
      ++report.n_failed;
      if (report.first_error.empty())
        report.first_error = result.error.empty() ? "an answer without text" : result.error;
      continue;
    }
    ++report.n_done;
    report.n_prompt += result.n_prompt;
    report.n_cached += result.n_cached;
    report.n_generated += result.n_generated;
    const double ttft_ms = (result.token_times.front() - result.start_s) * kMs;
    report.ttft_all_ms.push_back(ttft_ms);
    totals.push_back((result.end_s - result.start_s) * kMs);
    for (std::size_t i = 1; i < result.token_times.size(); ++i)
      report.itl_all_ms.push_back((result.token_times[i] - result.token_times[i - 1]) * kMs);
    const double n_gaps = std::max<double>(1, static_cast<double>(result.token_times.size()) - 1);
    const double mean_ms = (result.token_times.back() - result.token_times.front()) * kMs / n_gaps;
    n_good += ttft_ms <= ttft_limit_ms && mean_ms <= itl_limit_ms;
  }
  report.ttft_ms = percentiles(report.ttft_all_ms);
  report.itl_ms = percentiles(report.itl_all_ms);
  report.total_ms = percentiles(std::move(totals));
  if (report.wall_s > 0) {
    report.output_tok_s = static_cast<double>(report.n_generated) / report.wall_s;
    report.total_tok_s = static_cast<double>(report.n_generated + report.n_prompt) / report.wall_s;
    report.requests_s = report.n_done / report.wall_s;
    report.goodput_s = n_good / report.wall_s;
  }
  return report;
}

std::string to_text(const LoadReport& report) {
  std::string text = fmt::format("{:<22}{:>10}{:>10}{:>10}\n", "milliseconds", "p50", "p90", "p99");
  text += line("to the first token", report.ttft_ms);
  text += line("from token to token", report.itl_ms);
  text += line("whole request", report.total_ms);
  text += fmt::format(
      "{} requests in {:.1f} s ({} failed): {:.2f} a second, {:.2f} within the limits\n"
      "{} prompt tokens ({} cached), {} generated: {:.1f} generated, {:.1f} in all a second\n",
      report.n_done, report.wall_s, report.n_failed, report.requests_s, report.goodput_s,
      report.n_prompt, report.n_cached, report.n_generated, report.output_tok_s,
      report.total_tok_s);
  if (!report.first_error.empty()) text += "the first failure: " + report.first_error + "\n";
  return text;
}

json to_json(const LoadReport& report) {
  return {{"n_done", report.n_done},
          {"n_failed", report.n_failed},
          {"first_error", report.first_error},
          {"wall_s", report.wall_s},
          {"prompt_tokens", report.n_prompt},
          {"cached_tokens", report.n_cached},
          {"generated_tokens", report.n_generated},
          {"requests_per_s", report.requests_s},
          {"goodput_per_s", report.goodput_s},
          {"output_tokens_per_s", report.output_tok_s},
          {"total_tokens_per_s", report.total_tok_s},
          {"ttft_ms", to_json(report.ttft_ms)},
          {"itl_ms", to_json(report.itl_ms)},
          {"total_ms", to_json(report.total_ms)}};
}

std::string to_svg(const LoadReport& report) {
  double low = 1, high = 10;
  for (const std::vector<double>* values : {&report.ttft_all_ms, &report.itl_all_ms}) {
    for (const double value : *values) high = std::max(high, value);
  }
  high = std::pow(10, std::ceil(std::log10(high)));
  std::string svg =
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 300" font-family="sans-serif" font-size="12">)"
      "\n"
      R"(<rect width="600" height="300" fill="white"/>)"
      "\n";
  for (double tick = low; tick <= high * 1.001; tick *= 10) {
    const double x = 60 + 520 * std::log10(tick / low) / std::log10(high / low);
    svg += fmt::format(
        R"(<line x1="{0:.1f}" y1="30" x2="{0:.1f}" y2="260" stroke="#ddd"/><text x="{0:.1f}" y="278" text-anchor="middle">{1:g} ms</text>)"
        "\n",
        x, tick);
  }
  for (int percent = 0; percent <= 100; percent += 25) {
    svg += fmt::format(R"(<text x="52" y="{:.1f}" text-anchor="end">{} %</text>)"
                       "\n",
                       264 - 2.3 * percent, percent);
  }
  svg += curve(report.ttft_all_ms, low, high, "#2f6f5e");
  svg += curve(report.itl_all_ms, low, high, "#b5651d");
  svg +=
      R"(<text x="64" y="20" fill="#2f6f5e">to the first token</text><text x="190" y="20" fill="#b5651d">from token to token</text>)"
      "\n</svg>\n";
  return svg;
}

}  // namespace tinyllm
