#include "text/jinja/runtime.h"

#include <algorithm>

namespace tinyllm::jinja {

const Value* Scope::find(std::string_view name) const {
  for (const auto& [key, value] : variables) {
    if (key == name) return &value;
  }
  return nullptr;
}

void Scope::set(std::string_view name, Value value) {
  for (auto& [key, old] : variables) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  variables.emplace_back(name, std::move(value));
}

void Runtime::check_time() {
  n_steps_at_clock_ = n_steps_;
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin_;
  if (time.count() > limits_.max_seconds)
    fail("the template does not end within {} seconds", limits_.max_seconds);
}

void Runtime::step(std::uint64_t n_steps) {
  constexpr std::uint64_t kBetweenLooks = 1024;
  n_steps_ += n_steps;
  if (n_steps_ - n_steps_at_clock_ > kBetweenLooks) check_time();
  if (n_steps_ > limits_.max_steps) {
    fail("the template does not end within {} steps", limits_.max_steps);
  }
}

void Runtime::check_string_bytes(std::uint64_t n_bytes) {
  if (n_bytes > limits_.max_string_bytes) {
    fail("the template makes a text of more than {} bytes", limits_.max_string_bytes);
  }
}

void Runtime::allocate(std::uint64_t n_bytes) {
  allocated_bytes_ += std::min(n_bytes, limits_.max_allocated_bytes + 1);
  if (allocated_bytes_ > limits_.max_allocated_bytes) {
    fail("the template needs more than {} bytes of memory", limits_.max_allocated_bytes);
  }
}

int Runtime::checked_depth(int depth) const {
  if (depth > limits_.max_value_depth) {
    fail("values are nested more than {} levels deep", limits_.max_value_depth);
  }
  return depth;
}

Value Runtime::string(MarkedText text, bool is_markup) {
  check_string_bytes(text.text.size());
  allocate(sizeof(StringPayload) + text.text.size() + text.user_ranges.size() * sizeof(TextRange));
  return Value{std::make_shared<const StringPayload>(StringPayload{std::move(text), is_markup})};
}

Value Runtime::text(std::string_view template_text) {
  return string(MarkedText{std::string(template_text), {}});
}

Value Runtime::sequence(SequenceKind kind, std::vector<Value> items) {
  allocate(sizeof(SequencePayload) + items.size() * sizeof(Value));
  auto payload = std::make_shared<SequencePayload>();
  payload->kind = kind;
  int depth = 0;
  for (const Value& item : items) depth = std::max(depth, payload_depth(item));
  payload->depth = checked_depth(depth + 1);
  payload->items = std::move(items);
  return Value{std::shared_ptr<const SequencePayload>(std::move(payload))};
}

Value Runtime::dict(std::vector<std::pair<Value, Value>> entries) {
  allocate(sizeof(DictPayload) + entries.size() * 2 * sizeof(Value));
  auto payload = std::make_shared<DictPayload>();
  int depth = 0;
  for (const auto& [key, value] : entries) {
    depth = std::max({depth, payload_depth(key), payload_depth(value)});
  }
  payload->depth = checked_depth(depth + 1);
  payload->entries = std::move(entries);
  return Value{std::shared_ptr<const DictPayload>(std::move(payload))};
}

Value Runtime::callable(CallablePayload payload) {
  allocate(sizeof(CallablePayload));
  payload.depth = checked_depth(payload_depth(payload.self) + 1);
  return Value{std::make_shared<const CallablePayload>(std::move(payload))};
}

Namespace* Runtime::new_namespace() {
  allocate(sizeof(Namespace));
  return namespaces_.emplace_back(std::make_unique<Namespace>()).get();
}

LoopState* Runtime::new_loop() {
  allocate(sizeof(LoopState));
  return loops_.emplace_back(std::make_unique<LoopState>()).get();
}

Cycle* Runtime::new_cycle() {
  allocate(sizeof(Cycle));
  return cycles_.emplace_back(std::make_unique<Cycle>()).get();
}

Scope* Runtime::push_scope(Scope* parent) {
  Scope* scope = scopes_.emplace_back(std::make_unique<Scope>()).get();
  scope->parent = parent;
  return scope;
}

void Runtime::pop_scope(Scope* scope) {
  if (scope->is_captured) {
    allocate(sizeof(Scope) + scope->variables.size() * sizeof(scope->variables[0]));
    captured_.push_back(std::move(scopes_.back()));
  }
  scopes_.pop_back();
}

void Runtime::capture(Scope* scope) {
  for (; scope != nullptr && !scope->is_captured; scope = scope->parent) scope->is_captured = true;
}

void Runtime::fail_undefined(const Value& value) const {
  const auto* undefined = std::get_if<Undefined>(&value.data);
  const bool has_reason = undefined != nullptr && undefined->reason != nullptr;
  fail("{}", has_reason ? *undefined->reason : std::string("the value is undefined"));
}

DepthGuard::DepthGuard(Runtime& runtime) : runtime_(runtime) {
  if (runtime_.call_depth_ >= runtime_.limits_.max_call_depth) {
    runtime_.fail("the template nests more than {} levels deep at run time",
                  runtime_.limits_.max_call_depth);
  }
  ++runtime_.call_depth_;
}

void TextBuilder::mark(std::size_t begin, std::size_t end) {
  if (begin == end) return;
  std::vector<TextRange>& ranges = marked_.user_ranges;
  if (!ranges.empty() && ranges.back().end == begin) {
    ranges.back().end = end;
  } else {
    ranges.push_back({begin, end});
  }
}

void TextBuilder::append(std::string_view bytes, bool is_user) {
  runtime_.check_string_bytes(marked_.text.size() + bytes.size());
  const std::size_t begin = marked_.text.size();
  marked_.text += bytes;
  if (is_user) mark(begin, marked_.text.size());
}

namespace {

auto first_range_behind(const MarkedText& text, std::size_t begin) {
  return std::upper_bound(text.user_ranges.begin(), text.user_ranges.end(), begin,
                          [](std::size_t at, const TextRange& range) { return at < range.end; });
}

}  // namespace

void TextBuilder::append(const MarkedText& source, std::size_t begin, std::size_t end) {
  const std::size_t base = marked_.text.size();
  append_template(std::string_view(source.text).substr(begin, end - begin));
  for (auto range = first_range_behind(source, begin);
       range != source.user_ranges.end() && range->begin < end; ++range) {
    mark(base + std::max(range->begin, begin) - begin, base + std::min(range->end, end) - begin);
  }
}

bool has_user_bytes(const MarkedText& text, std::size_t begin, std::size_t end) {
  const auto range = first_range_behind(text, begin);
  return range != text.user_ranges.end() && range->begin < end;
}

}  // namespace tinyllm::jinja
