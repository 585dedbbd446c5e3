#include "base/json_parse.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "base/ordered_json_builder.h"
#include "base/quote.h"

namespace tinyllm {
namespace {

// The next quote or backslash from `i` on: strings are most of a long text.
std::size_t end_of_plain(std::string_view text, std::size_t i) {
  while (i < text.size() && text[i] != '"' && text[i] != '\\') ++i;
  return i;
}

// Before the parser sees the text: a deep document may overflow the stack of whoever walks it.
void check_limits(std::string_view text, const std::string& source, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    fail(ErrorCode::invalid_input, "{}: the JSON text has {} bytes, must be at most {}", source,
         text.size(), limits.max_bytes);
  }
  std::size_t depth = 0, n_values = 1;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      i = end_of_plain(text, i);
      if (i == text.size()) break;
      if (text[i] == '\\')
        ++i;
      else
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == ',' || c == ':') {
      ++n_values;
    } else if (c == '[' || c == '{') {
      ++n_values;
      if (++depth > limits.max_depth) {
        fail(ErrorCode::invalid_input, "{}: JSON nested {} deep at byte {}, must be at most {}",
             source, depth, i, limits.max_depth);
      }
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  if (n_values > limits.max_values) {
    fail(ErrorCode::invalid_input, "{}: the JSON text holds {} values and keys, must be at most {}",
         source, n_values, limits.max_values);
  }
}

// nlohmann's "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ..."
// from the last "syntax error" on, as one line.
std::string reason_of(const nlohmann::detail::exception& error) {
  std::string reason = error.what();
  const std::size_t begin = reason.find("syntax error");
  if (begin != std::string::npos) reason.erase(0, begin);
  std::replace_if(
      reason.begin(), reason.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return reason.substr(0, 200);
}

// A parser callback that remembers the keys of every open object.
nlohmann::json::parser_callback_t refuse_equal_keys(const std::string& source) {
  return [&source, open_objects = std::vector<std::set<std::string>>()](
             int, nlohmann::detail::parse_event_t event, const nlohmann::json& value) mutable {
    using Event = nlohmann::detail::parse_event_t;
    if (event == Event::object_start) open_objects.emplace_back();
    if (event == Event::object_end) open_objects.pop_back();
    if (event == Event::key) {
      const auto key = value.get<std::string>();
      if (!open_objects.back().insert(key).second) {
        fail(ErrorCode::invalid_input, "{}: key {} is there twice", source, quote(key));
      }
    }
    return true;
  };
}

// What `parse` throws of its own accord becomes an Error that names the source.
template <typename Parse>
auto parse_checked(std::string_view text, const std::string& source, const JsonLimits& limits,
                   Parse parse) {
  check_limits(text, source, limits);
  try {
    return parse();
  } catch (const nlohmann::detail::parse_error& error) {
    fail(ErrorCode::invalid_input, "{}: not JSON at byte {}: {}", source, error.byte,
         reason_of(error));
  } catch (const nlohmann::detail::exception& error) {
    fail(ErrorCode::invalid_input, "{}: not JSON: {}", source, reason_of(error));
  }
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& source,
                          const JsonLimits& limits) {
  return parse_checked(text, source, limits, [&] {
    return nlohmann::json::parse(text.begin(), text.end(),
                                 limits.unique_keys ? refuse_equal_keys(source) : nullptr);
  });
}

nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& source,
                                          const JsonLimits& limits) {
  CHECK(!limits.unique_keys, "{}: equal keys are refused in sorted JSON only", source);
  return parse_checked(text, source, limits, [&] { return build_ordered_json(text); });
}

}  // namespace tinyllm
