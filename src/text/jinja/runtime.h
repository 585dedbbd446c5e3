#pragma once
// What one render may use and has used: caps on steps, memory, text and nesting, the place that
// runs now (for messages), and the owner of namespaces, loops and scopes. Values are made here so
// that each is counted. One render, one thread.

#include <chrono>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/position.h"
#include "text/jinja/value.h"

namespace tinyllm::jinja {

struct Limits {
  std::uint64_t max_steps = 10'000'000;           // tree nodes visited, and bytes scanned / 64
  std::uint64_t max_string_bytes = 16 << 20;      // any string, the output included
  std::uint64_t max_allocated_bytes = 256 << 20;  // all values made in a render, dead ones too
  double max_seconds = 2;                         // whatever it does
  int max_call_depth = 600;                       // nodes and macros under evaluation at once
  int max_value_depth = 200;                      // list in list in dict ...
};

struct Scope {
  Scope* parent = nullptr;
  // Names are views into the parsed template or into literals.
  std::vector<std::pair<std::string_view, Value>> variables;
  bool is_captured = false;  // a macro was defined here, so the scope outlives its block

  const Value* find(std::string_view name) const;  // in this scope only
  void set(std::string_view name, Value value);
};

class Runtime {
 public:
  Runtime(const Limits& limits, std::time_t now) : limits_(limits), now_(now) {}

  // All charges throw Error{invalid_input} at `position` when a cap is passed.
  void step(std::uint64_t n_steps = 1);
  void scan(std::size_t n_bytes) { step(n_bytes / 64 + 1); }
  void look_through(std::size_t n_names) { step(n_names / 8); }
  void check_string_bytes(std::uint64_t n_bytes);
  void allocate(std::uint64_t n_bytes);

  Value string(MarkedText text, bool is_markup = false);
  Value text(std::string_view template_text);
  Value sequence(SequenceKind kind, std::vector<Value> items);
  Value list(std::vector<Value> items) { return sequence(SequenceKind::list, std::move(items)); }
  Value tuple(std::vector<Value> items) { return sequence(SequenceKind::tuple, std::move(items)); }
  Value dict(std::vector<std::pair<Value, Value>> entries);
  Value callable(CallablePayload payload);
  Namespace* new_namespace();
  LoopState* new_loop();
  Cycle* new_cycle();

  Scope* push_scope(Scope* parent);
  void pop_scope(Scope* scope);  // the scope pushed last
  static void capture(Scope* scope);

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    fail_at(position, ErrorCode::invalid_input, format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  [[noreturn]] void unsupported(fmt::format_string<Args...> format, Args&&... args) const {
    fail_at(position, ErrorCode::unsupported, format, std::forward<Args>(args)...);
  }
  // Fails with the reason that an undefined value carries.
  [[noreturn]] void fail_undefined(const Value& value) const;

  const Limits& limits() const { return limits_; }
  std::time_t now() const { return now_; }

  Position position;  // of the construct that runs now

 private:
  friend class DepthGuard;
  int checked_depth(int depth) const;

  Limits limits_;
  std::time_t now_;
  void check_time();

  std::uint64_t n_steps_ = 0, n_steps_at_clock_ = 0;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::uint64_t allocated_bytes_ = 0;
  int call_depth_ = 0;
  std::vector<std::unique_ptr<Namespace>> namespaces_;
  std::vector<std::unique_ptr<LoopState>> loops_;
  std::vector<std::unique_ptr<Cycle>> cycles_;
  std::vector<std::unique_ptr<Scope>> scopes_;    // a stack
  std::vector<std::unique_ptr<Scope>> captured_;  // popped, but a macro still looks at them
};

// One level of recursion: of the interpreter, of printing, of comparing.
class DepthGuard {
 public:
  explicit DepthGuard(Runtime& runtime);
  ~DepthGuard() { --runtime_.call_depth_; }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;

 private:
  Runtime& runtime_;
};

// Puts a string together and remembers which bytes a user wrote.
class TextBuilder {
 public:
  explicit TextBuilder(Runtime& runtime) : runtime_(runtime) {}

  void append(const MarkedText& source) { append(source, 0, source.text.size()); }
  void append(const MarkedText& source, std::size_t begin, std::size_t end);
  void append(std::string_view bytes, bool is_user);
  void append_template(std::string_view bytes) { append(bytes, false); }

  std::size_t size() const { return marked_.text.size(); }
  MarkedText take() { return std::move(marked_); }

 private:
  void mark(std::size_t begin, std::size_t end);

  Runtime& runtime_;
  MarkedText marked_;
};

bool has_user_bytes(const MarkedText& text, std::size_t begin, std::size_t end);

}  // namespace tinyllm::jinja
