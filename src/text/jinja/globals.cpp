// The functions that every chat template can call.

#include <algorithm>
#include <array>
#include <ctime>

#include "text/jinja/access.h"
#include "text/jinja/builtins.h"
#include "text/jinja/operators.h"
#include "text/jinja/repr.h"

namespace tinyllm::jinja {
namespace {

using Arguments = const CallArgs&;
using Entries = std::vector<std::pair<Value, Value>>;

constexpr std::int64_t kMaxRange = 100'000;  // as in Jinja2's sandbox

Value run_range(Runtime& runtime, const Value&, Arguments call) {
  const BoundArgs args(runtime, "range", call, {"start", "stop", "step"}, 1);
  if (!call.named.empty()) runtime.fail("range takes no named arguments");
  const bool has_start = args.get(1) != nullptr;
  const std::int64_t start = has_start ? args.integer(0, 0) : 0;
  const std::int64_t stop = has_start ? args.integer(1, 0) : args.integer(0, 0);
  const std::int64_t step = args.integer(2, 1);
  if (step == 0) runtime.fail("range: step is zero");
  std::vector<Value> items;
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<std::int64_t>(items.size()) >= kMaxRange) {
      runtime.fail("range has more than {} items", kMaxRange);
    }
    items.push_back(make_integer(i));
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  runtime.step(items.size() / 8);
  return runtime.sequence(SequenceKind::range, std::move(items));
}

// The entries of dict(mapping_or_pairs, **named).
Entries entries_of(Runtime& runtime, Arguments call) {
  if (call.positional.size() > 1) runtime.fail("dict takes at most one positional argument");
  Entries entries;
  const auto set = [&](const Value& key, const Value& value) {
    if (!is_hashable(key)) runtime.fail("'{}' cannot be a key", type_name(key));
    for (auto& [other, old] : entries) {
      if (equals(runtime, other, key)) {
        old = value;
        return;
      }
    }
    entries.emplace_back(key, value);
  };
  if (!call.positional.empty()) {
    if (call.positional[0].is_undefined()) runtime.fail_undefined(call.positional[0]);
    if (const DictPayload* dict = call.positional[0].dict()) {
      entries = dict->entries;
    } else {
      for (const Value& item : iterate(runtime, call.positional[0])) {
        const std::vector<Value> pair = iterate(runtime, item);
        if (pair.size() != 2) runtime.fail("dict needs pairs, found {} items", pair.size());
        set(pair[0], pair[1]);
      }
    }
  }
  for (const auto& [name, value] : call.named) set(make_text(name), value);
  return entries;
}

Value run_dict(Runtime& runtime, const Value&, Arguments call) {
  return runtime.dict(entries_of(runtime, call));
}

Value run_namespace(Runtime& runtime, const Value&, Arguments call) {
  Namespace* space = runtime.new_namespace();
  for (const auto& [key, value] : entries_of(runtime, call)) {
    const StringPayload* name = key.string();
    if (name == nullptr) runtime.fail("namespace: '{}' cannot be a name", type_name(key));
    if (name->marked.text.starts_with('_')) {
      runtime.fail("namespace: the name '{}' begins with an underscore", name->marked.text);
    }
    space->attributes.emplace_back(name->marked.text, value);
  }
  return Value{space};
}

Value run_raise_exception(Runtime& runtime, const Value&, Arguments call) {
  const BoundArgs args(runtime, "raise_exception", call, {"message"}, 1);
  runtime.fail("{}", to_str(runtime, args[0]).text);
}

// datetime.now().strftime(format): no time zone in a naive time, whole seconds.
std::string expand_python_only(std::string_view format) {
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    const char conversion = format[++i];
    if (conversion == 'f') {
      out += "000000";
    } else if (conversion != 'z' && conversion != 'Z') {
      out += {'%', conversion};
    }
  }
  return out;
}

Value run_strftime_now(Runtime& runtime, const Value&, Arguments call) {
  const BoundArgs args(runtime, "strftime_now", call, {"format"}, 1);
  const std::string format = expand_python_only(args.string(0).marked.text);
  if (format.size() > 1000) runtime.fail("strftime_now: the format is too long");
  std::tm local{};
  const std::time_t now = runtime.now();
  localtime_r(&now, &local);
  std::array<char, 16384> buffer;
  // A mark at the end tells an empty result from one that does not fit.
  const std::size_t n_bytes =
      std::strftime(buffer.data(), buffer.size(), (format + "|").c_str(), &local);
  if (n_bytes == 0) runtime.fail("strftime_now: the result is too long");
  return runtime.text(std::string_view(buffer.data(), n_bytes - 1));
}

Value run_cycler(Runtime& runtime, const Value&, Arguments call) {
  if (!call.named.empty()) runtime.fail("cycler takes no named arguments");
  if (call.positional.empty()) runtime.fail("cycler needs at least one item");
  Cycle* cycle = runtime.new_cycle();
  cycle->items = call.positional;
  return Value{cycle};
}

Value run_joiner(Runtime& runtime, const Value&, Arguments call) {
  const BoundArgs args(runtime, "joiner", call, {"sep"});
  Cycle* cycle = runtime.new_cycle();
  cycle->is_joiner = true;
  cycle->items.push_back(args.get(0) != nullptr ? args[0] : make_text(", "));
  return Value{cycle};
}

constexpr NativeFunction kGlobals[] = {
    {"cycler", run_cycler},
    {"dict", run_dict},
    {"joiner", run_joiner},
    {"namespace", run_namespace},
    {"raise_exception", run_raise_exception},
    {"range", run_range},
    {"strftime_now", run_strftime_now},
};

}  // namespace

const NativeFunction* find_global(std::string_view name) {
  for (const NativeFunction& function : kGlobals) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

bool is_unsupported_global(std::string_view name) { return name == "lipsum"; }

}  // namespace tinyllm::jinja
