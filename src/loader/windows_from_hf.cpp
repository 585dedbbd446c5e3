#include "loader/windows_from_hf.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace tinyllm {
namespace {

// What transformers assumes.
constexpr std::int64_t kDefaultWindow = 4096;
constexpr std::int64_t kDefaultMaxWindowLayers = 28;

// nullopt: no layer has one.
std::optional<std::int64_t> window_size(const JsonField& root, WindowRule rule) {
  const bool on = rule == WindowRule::always || root.member("use_sliding_window").boolean_or(false);
  const JsonField window = root.member("sliding_window");
  if (!on || (window.exists() && window.is_null())) return std::nullopt;
  const std::int64_t size = window.count_or(kDefaultWindow);
  if (size < 1) window.refuse(ErrorCode::invalid_input, "at least 1, or null for no window");
  return size;
}

bool has_window(WindowRule rule, std::int64_t layer, std::int64_t max_window_layers) {
  switch (rule) {
    case WindowRule::none: return false;
    case WindowRule::upper_layers: return layer >= max_window_layers;
    case WindowRule::even_layers: return layer % 2 == 0 && layer < max_window_layers;
    case WindowRule::all_layers:
    case WindowRule::always: return true;
  }
  return false;
}

std::vector<bool> read_layer_types(const JsonField& types, std::int64_t n_layers) {
  std::vector<bool> windowed;
  for (const JsonField& type : types.elements()) {
    if (type.string() != "full_attention" && type.string() != "sliding_attention")
      type.refuse(ErrorCode::unsupported, "'full_attention' or 'sliding_attention'");
    windowed.push_back(type.string() == "sliding_attention");
  }
  if (std::ssize(windowed) != n_layers) {
    fail(ErrorCode::invalid_input,
         "{}: layer_types has {} entries, must have one for each of {} layers", types.source(),
         windowed.size(), n_layers);
  }
  return windowed;
}

std::vector<bool> windowed_layers(const JsonField& root, WindowRule rule, std::int64_t n_layers) {
  const bool by_types = rule == WindowRule::upper_layers || rule == WindowRule::even_layers;
  if (const JsonField types = root.member("layer_types"); by_types && !types.is_null())
    return read_layer_types(types, n_layers);
  const std::int64_t limit = root.member("max_window_layers").count_or(kDefaultMaxWindowLayers);
  const bool on = window_size(root, rule).has_value();
  std::vector<bool> windowed;
  for (std::int64_t layer = 0; layer < n_layers; ++layer)
    windowed.push_back(on && has_window(rule, layer, limit));
  return windowed;
}

}  // namespace

void read_windows(const JsonField& root, const Architecture& architecture, ModelConfig& config) {
  const WindowRule rule = architecture.windows;
  if (rule == WindowRule::none) return;
  const std::vector<bool> windowed = windowed_layers(root, rule, config.n_layers);
  if (std::ranges::find(windowed, true) == windowed.end()) return;
  const std::optional<std::int64_t> size = window_size(root, rule);
  if (!size) {
    fail(ErrorCode::invalid_input,
         "{}: layer_types asks for sliding_attention, but use_sliding_window is not true or "
         "sliding_window is null: the size of the window is not said",
         root.source());
  }
  for (const bool has : windowed) config.windows.push_back({.window = has ? *size : 0});
}

}  // namespace tinyllm
