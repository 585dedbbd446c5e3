#pragma once
// What a lesson's test is made of: cases with recorded inputs, arrays that notice when somebody
// writes past their end, and answers. The tests in course/tasks/ use nothing else. They run in a
// process of their own, where a learner's mistake may crash or hang. One thread.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tinyllm::learn {

// n values of T with a fence of known bytes on both sides. As a float these bytes are 3.4e38: a sum
// that takes one value too many is far off, and not a little. Under AddressSanitizer the fence is
// left out and the memory ends exactly at the last value, so that the sanitizer names the line.
template <typename T>
class Array {
 public:
  explicit Array(std::size_t n, T fill = T{}) : n_(n), fence_(fence_bytes()) {
    bytes_ = static_cast<std::byte*>(std::malloc(n * sizeof(T) + 2 * fence_ + (n == 0 ? 1 : 0)));
    std::memset(bytes_, kFenceByte, fence_);
    std::memset(bytes_ + fence_ + n * sizeof(T), kFenceByte, fence_);
    for (std::size_t i = 0; i < n; ++i) data()[i] = fill;
  }
  Array(const Array& other) : Array(other.n_) { std::copy(other.begin(), other.end(), data()); }
  Array& operator=(const Array&) = delete;
  ~Array() { std::free(bytes_); }

  T* data() { return reinterpret_cast<T*>(bytes_ + fence_); }
  const T* data() const { return reinterpret_cast<const T*>(bytes_ + fence_); }
  std::size_t size() const { return n_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + n_; }
  T& operator[](std::size_t i) { return data()[i]; }
  const T& operator[](std::size_t i) const { return data()[i]; }

  // Elements past the end (1: the first one) or, negative, before the begin that were written; 0.
  std::int64_t first_stray_write() const {
    for (std::size_t i = 0; i < fence_; ++i) {
      if (std::to_integer<int>(bytes_[fence_ + n_ * sizeof(T) + i]) != kFenceByte) {
        return static_cast<std::int64_t>(i / sizeof(T)) + 1;
      }
      if (std::to_integer<int>(bytes_[fence_ - 1 - i]) != kFenceByte) {
        return -static_cast<std::int64_t>(i / sizeof(T)) - 1;
      }
    }
    return 0;
  }

 private:
  static constexpr int kFenceByte = 0x7F;
  static std::size_t fence_bytes() {
    return std::getenv("TINYLLM_LESSON_EXACT") != nullptr ? 0 : 256;
  }

  std::size_t n_, fence_;
  std::byte* bytes_;
};
using Floats = Array<float>;
using Ints = Array<std::int64_t>;

// What tests fill an output with beforehand: a value that is still there was never written.
inline constexpr float kNotWritten = -77.0f;

// One recorded case: numbers and texts by name.
class Case {
 public:
  using Numbers = std::map<std::string, std::vector<double>, std::less<>>;
  using Texts = std::map<std::string, std::string, std::less<>>;
  Case(std::string name, std::string function, Numbers inputs, Texts texts = {})
      : name_(std::move(name)),
        function_(std::move(function)),
        inputs_(std::move(inputs)),
        texts_(std::move(texts)) {}

  const std::string& name() const { return name_; }
  const std::string& function() const { return function_; }  // which one of the task it calls
  bool has(std::string_view input) const {
    return inputs_.contains(input) || texts_.contains(input);
  }
  // Each CHECKs that there is such an input.
  Floats floats(std::string_view input) const;
  Ints ints(std::string_view input) const;
  float number(std::string_view input) const;
  std::int64_t integer(std::string_view input) const;
  // A text, in which "\xE4" stands for that byte (learn/printable_bytes.h).
  std::string text(std::string_view input) const;
  // Its lines; those of a trace are the calls, a line of JSON each.
  std::vector<std::string> lines(std::string_view input) const;

 private:
  const std::vector<double>& input(std::string_view input) const;

  std::string name_, function_;
  Numbers inputs_;
  Texts texts_;
};

// What code gave under one name: numbers, or a text of printable characters and line breaks.
using Answer = std::variant<std::vector<double>, std::string>;

// What the learner's function gave, by name. Notes stray writes and changed inputs.
class Answers {
 public:
  void put(std::string_view name, const Floats& values);
  void put(std::string_view name, const Ints& values);
  void put(std::string_view name, std::int64_t value);
  // Any bytes: what is no character, or cannot be seen, becomes "\xE4".
  void put_text(std::string_view name, std::string_view bytes);
  // One more line of that text: a trace answers each call with one.
  void put_line(std::string_view name, std::string_view bytes);
  // For a scratch array: notes what was written outside of it.
  template <typename T>
  void expect_inside(std::string_view name, const Array<T>& values) {
    note_stray(name, values.first_stray_write());
  }
  // For an input that the contract does not allow to change: compares it with the recorded one.
  void expect_unchanged(std::string_view name, const Floats& now, const Case& before);

  const std::map<std::string, Answer>& values() const { return values_; }
  const std::string& fault() const { return fault_; }  // "" or a sentence

 private:
  void note_stray(std::string_view name, std::int64_t stray);

  std::map<std::string, Answer> values_;
  std::string fault_;
};

// What must hold for any input. Returns "" or a sentence that says what does not.
struct Property {
  const char* name;
  std::string (*holds)();
};

struct LessonTest {
  const char* task_id;
  void (*run)(const Case& given, Answers& answers);
  std::vector<Property> properties;
};

// All of course/tasks/; the build writes the table.
std::span<const LessonTest> lesson_tests();

// Seeded values around 0, the same on every machine.
Floats random_floats(std::size_t n, std::uint64_t seed, float spread = 1.0f);

}  // namespace tinyllm::learn
