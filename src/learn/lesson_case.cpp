#include "learn/lesson_case.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "base/check.h"
#include "learn/lines_of.h"
#include "learn/printable_bytes.h"

namespace tinyllm::learn {

const std::vector<double>& Case::input(std::string_view name) const {
  const auto found = inputs_.find(name);
  CHECK(found != inputs_.end(), "case '{}' has no input '{}'", name_, name);
  return found->second;
}

Floats Case::floats(std::string_view name) const {
  const std::vector<double>& values = input(name);
  Floats array(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) array[i] = static_cast<float>(values[i]);
  return array;
}

Ints Case::ints(std::string_view name) const {
  const std::vector<double>& values = input(name);
  Ints array(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) array[i] = static_cast<std::int64_t>(values[i]);
  return array;
}

float Case::number(std::string_view name) const { return static_cast<float>(input(name).at(0)); }

std::int64_t Case::integer(std::string_view name) const {
  return static_cast<std::int64_t>(input(name).at(0));
}

std::string Case::text(std::string_view name) const {
  const auto found = texts_.find(name);
  CHECK(found != texts_.end(), "case '{}' has no text '{}'", name_, name);
  return bytes_from_escaped(found->second);
}

std::vector<std::string> Case::lines(std::string_view name) const { return lines_of(text(name)); }

void Answers::note_stray(std::string_view name, std::int64_t stray) {
  if (stray == 0 || !fault_.empty()) return;
  fault_ = stray > 0
               ? fmt::format("it wrote {} element(s) past the end of {}", stray, name)
               : fmt::format("it wrote {} element(s) before the beginning of {}", -stray, name);
}

void Answers::put(std::string_view name, const Floats& values) {
  note_stray(name, values.first_stray_write());
  values_[std::string(name)] = std::vector<double>(values.begin(), values.end());
}

void Answers::put(std::string_view name, const Ints& values) {
  note_stray(name, values.first_stray_write());
  values_[std::string(name)] = std::vector<double>(values.begin(), values.end());
}

void Answers::put(std::string_view name, std::int64_t value) {
  values_[std::string(name)] = std::vector<double>{static_cast<double>(value)};
}

void Answers::put_text(std::string_view name, std::string_view bytes) {
  values_[std::string(name)] = escaped_bytes(bytes);
}

void Answers::put_line(std::string_view name, std::string_view bytes) {
  Answer& kept = values_[std::string(name)];
  if (!std::holds_alternative<std::string>(kept)) kept = std::string();
  std::get<std::string>(kept) += escaped_bytes(bytes) + "\n";
}

void Answers::expect_unchanged(std::string_view name, const Floats& now, const Case& before) {
  note_stray(name, now.first_stray_write());
  const Floats old = before.floats(name);
  for (std::size_t i = 0; i < old.size() && fault_.empty(); ++i) {
    if (std::bit_cast<std::uint32_t>(now[i]) != std::bit_cast<std::uint32_t>(old[i])) {
      fault_ = fmt::format("{}[{}] is an input, but it was changed from {:g} to {:g}", name, i,
                           old[i], now[i]);
    }
  }
}

Floats random_floats(std::size_t n, std::uint64_t seed, float spread) {
  Floats values(n);
  std::uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0;  // of four uniform ones: a bell that is good enough for tests
    for (int part = 0; part < 4; ++part) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      sum += static_cast<double>(state >> 40) / (1 << 24) - 0.5;
    }
    values[i] = static_cast<float>(sum * 1.7) * spread;
  }
  return values;
}

}  // namespace tinyllm::learn
