// Filters of lists, dicts and whatever else can be iterated. What Jinja2 computes lazily is
// computed at once here, but still behaves as a generator: true, without a length, used up once.

#include <algorithm>

#include "text/jinja/access.h"
#include "text/jinja/builtins.h"
#include "text/jinja/operators.h"
#include "text/jinja/repr.h"
#include "text/jinja/strings.h"

namespace tinyllm::jinja {
namespace {

using Arguments = const CallArgs&;

// attribute="a.b.0" of map, sort and so on: a path of keys.
class AttributePath {
 public:
  // `attribute` null or none: the item itself.
  AttributePath(Runtime& runtime, const Value* attribute) : runtime_(runtime) {
    if (attribute == nullptr || attribute->is_none()) return;
    const StringPayload* text = attribute->string();
    if (text == nullptr) {
      keys_.push_back(*attribute);
      return;
    }
    const StringPayload dot{{".", {}}, false};
    keys_ = split(runtime, *text, &dot, -1, Side::left);
    for (Value& key : keys_) {
      const std::string& part = key.string()->marked.text;
      const bool is_number = !part.empty() && part.size() < 10 &&
                             part.find_first_not_of("0123456789") == std::string::npos;
      if (is_number) key = make_integer(std::stol(part));
    }
  }

  Value get(Value item, const Value* otherwise = nullptr) const {
    for (const Value& key : keys_) {
      item = get_item(runtime_, item, key);
      if (otherwise != nullptr && item.is_undefined()) item = *otherwise;
    }
    return item;
  }

 private:
  Runtime& runtime_;
  std::vector<Value> keys_;
};

// What sort, unique, min and so on compare: strings without case unless asked.
Value sort_key(Runtime& runtime, const Value& value, bool case_sensitive) {
  if (case_sensitive || value.string() == nullptr) return value;
  return runtime.string(to_lower(runtime, value.string()->marked));
}

Value generator(Runtime& runtime, std::vector<Value> items) {
  return runtime.sequence(SequenceKind::generator, std::move(items));
}

Value run_length(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "length", call, {});
  return make_integer(length(runtime, value));
}

Value run_first(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "first", call, {});
  const SequencePayload* sequence = value.sequence();
  if (sequence != nullptr && sequence->kind == SequenceKind::generator &&
      sequence->n_taken < sequence->items.size()) {
    return sequence->items[sequence->n_taken++];
  }
  const std::vector<Value> items = iterate(runtime, value);
  return items.empty() ? make_undefined("No first item, sequence was empty.") : items.front();
}

Value run_last(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "last", call, {});
  const SequencePayload* sequence = value.sequence();
  if (sequence != nullptr && sequence->kind == SequenceKind::generator) {
    runtime.fail("'generator' object is not reversible");
  }
  const std::vector<Value> items = iterate(runtime, value);
  return items.empty() ? make_undefined("No last item, sequence was empty.") : items.back();
}

Value run_list(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "list", call, {});
  return runtime.list(iterate(runtime, value));
}

Value run_reverse(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "reverse", call, {});
  if (value.string() != nullptr) {
    const Value backwards = make_integer(-1);
    return get_slice(runtime, value, nullptr, nullptr, &backwards);
  }
  std::vector<Value> items = iterate(runtime, value);
  std::reverse(items.begin(), items.end());
  const SequencePayload* sequence = value.sequence();
  // A generator cannot be reversed in place: Jinja2 makes a list of it.
  if (sequence != nullptr && sequence->kind == SequenceKind::generator) {
    return runtime.list(std::move(items));
  }
  return generator(runtime, std::move(items));
}

Value run_join(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "join", call, {"d", "attribute"});
  const MarkedText separator = args.get(0) != nullptr ? to_str(runtime, args[0]) : MarkedText{};
  std::vector<Value> items = iterate(runtime, value);
  if (const Value* attribute = args.get_some(1)) {
    const AttributePath path(runtime, attribute);
    for (Value& item : items) item = path.get(item);
  }
  return runtime.string(join(runtime, separator, items));
}

Value run_items(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "items", call, {});
  if (value.is_undefined()) return generator(runtime, {});
  const DictPayload* dict = value.dict();
  if (dict == nullptr) runtime.fail("items needs a mapping, not {}", type_name(value));
  std::vector<Value> pairs;
  for (const auto& [key, entry] : dict->entries) pairs.push_back(runtime.tuple({key, entry}));
  return generator(runtime, std::move(pairs));
}

// Sorts (key, item) pairs by key, stable; equal keys keep their order when reversed too.
std::vector<Value> sorted(Runtime& runtime, std::vector<std::pair<Value, Value>> keyed,
                          bool reverse) {
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& left, const auto& right) {
    return reverse ? less(runtime, right.first, left.first)
                   : less(runtime, left.first, right.first);
  });
  std::vector<Value> items;
  for (auto& [key, item] : keyed) items.push_back(std::move(item));
  return items;
}

Value run_dictsort(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "dictsort", call, {"case_sensitive", "by", "reverse"});
  const DictPayload* dict = value.dict();
  if (value.is_undefined()) runtime.fail_undefined(value);
  if (dict == nullptr) runtime.fail("dictsort needs a mapping, not {}", type_name(value));
  const std::string by = args.get(1) != nullptr ? args.string(1).marked.text : "key";
  if (by != "key" && by != "value") runtime.fail("dictsort: by is '{}', must be key or value", by);
  std::vector<std::pair<Value, Value>> keyed;
  for (const auto& [key, entry] : dict->entries) {
    keyed.emplace_back(sort_key(runtime, by == "key" ? key : entry, args.is_true(0)),
                       runtime.tuple({key, entry}));
  }
  return runtime.list(sorted(runtime, std::move(keyed), args.is_true(2)));
}

Value run_sort(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "sort", call, {"reverse", "case_sensitive", "attribute"});
  std::vector<AttributePath> paths;
  if (args.get_some(2) != nullptr && args[2].string() != nullptr) {
    const StringPayload comma{{",", {}}, false};
    for (const Value& part : split(runtime, *args[2].string(), &comma, -1, Side::left)) {
      paths.emplace_back(runtime, &part);
    }
  } else {
    paths.emplace_back(runtime, args.get(2));
  }
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : iterate(runtime, value)) {
    std::vector<Value> keys;
    for (const AttributePath& path : paths) {
      keys.push_back(sort_key(runtime, path.get(item), args.is_true(1)));
    }
    keyed.emplace_back(runtime.list(std::move(keys)), item);
  }
  return runtime.list(sorted(runtime, std::move(keyed), args.is_true(0)));
}

Value run_groupby(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "groupby", call, {"attribute", "default", "case_sensitive"}, 1);
  const AttributePath path(runtime, &args[0]);
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : iterate(runtime, value)) {
    keyed.emplace_back(sort_key(runtime, path.get(item, args.get_some(1)), args.is_true(2)), item);
  }
  std::vector<Value> groups, members;
  Value current;
  const auto close_group = [&] {
    if (members.empty()) return;
    Value name = path.get(members.front(), args.get_some(1));
    Value list = runtime.list(std::exchange(members, {}));
    groups.push_back(runtime.sequence(SequenceKind::group, {std::move(name), std::move(list)}));
  };
  for (const Value& item : sorted(runtime, std::move(keyed), false)) {
    Value key = sort_key(runtime, path.get(item, args.get_some(1)), args.is_true(2));
    if (!members.empty() && !equals(runtime, key, current)) close_group();
    members.push_back(item);
    current = std::move(key);
  }
  close_group();
  return runtime.list(std::move(groups));
}

Value run_unique(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "unique", call, {"case_sensitive", "attribute"});
  const AttributePath path(runtime, args.get(1));
  std::vector<Value> seen, unique;
  for (const Value& item : iterate(runtime, value)) {
    Value key = sort_key(runtime, path.get(item), args.is_true(0));
    if (!is_hashable(key)) runtime.fail("unique: '{}' cannot be compared", type_name(key));
    const bool is_new = std::none_of(
        seen.begin(), seen.end(), [&](const Value& other) { return equals(runtime, other, key); });
    if (!is_new) continue;
    seen.push_back(std::move(key));
    unique.push_back(item);
  }
  return generator(runtime, std::move(unique));
}

template <bool kIsMax>
Value run_extreme(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, kIsMax ? "max" : "min", call, {"case_sensitive", "attribute"});
  const AttributePath path(runtime, args.get(1));
  const std::vector<Value> items = iterate(runtime, value);
  if (items.empty()) return make_undefined("No aggregated item, sequence was empty.");
  const auto key_of = [&](const Value& item) {
    return sort_key(runtime, path.get(item), args.is_true(0));
  };
  const Value* best = &items.front();
  Value best_key = key_of(*best);
  for (std::size_t i = 1; i < items.size(); ++i) {
    Value key = key_of(items[i]);
    if (kIsMax ? less(runtime, best_key, key) : less(runtime, key, best_key)) {
      best = &items[i];
      best_key = std::move(key);
    }
  }
  return *best;
}

Value run_sum(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "sum", call, {"attribute", "start"});
  const AttributePath path(runtime, args.get(0));
  Value total = args.get(1) != nullptr ? args[1] : make_integer(0);
  if (total.string() != nullptr) runtime.fail("sum cannot add strings, use join");
  for (const Value& item : iterate(runtime, value)) {
    total = binary(runtime, BinaryOp::add, total, path.get(item));
  }
  return total;
}

Value run_batch(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "batch", call, {"linecount", "fill_with"}, 1);
  const std::int64_t n_columns = args.integer(0, 1);
  if (n_columns < 1) runtime.fail("batch: linecount is {}, must be at least 1", n_columns);
  std::vector<Value> rows, row;
  for (const Value& item : iterate(runtime, value)) {
    if (static_cast<std::int64_t>(row.size()) == n_columns) {
      rows.push_back(runtime.list(std::exchange(row, {})));
    }
    row.push_back(item);
  }
  if (!row.empty() && args.get_some(1) != nullptr) {
    runtime.allocate(static_cast<std::uint64_t>(n_columns));
    runtime.step(static_cast<std::uint64_t>(n_columns));
    row.resize(n_columns, args[1]);
  }
  if (!row.empty()) rows.push_back(runtime.list(std::move(row)));
  return generator(runtime, std::move(rows));
}

Value run_slice(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "slice", call, {"slices", "fill_with"}, 1);
  const std::int64_t n_slices = args.integer(0, 1);
  if (n_slices < 1) runtime.fail("slice: slices is {}, must be at least 1", n_slices);
  runtime.step(static_cast<std::uint64_t>(n_slices));
  const std::vector<Value> items = iterate(runtime, value);
  const auto n_items = static_cast<std::int64_t>(items.size());
  std::vector<Value> columns;
  auto next = items.begin();
  for (std::int64_t i = 0; i < n_slices; ++i) {
    const bool has_extra = i < n_items % n_slices;
    const auto end = next + n_items / n_slices + (has_extra ? 1 : 0);
    std::vector<Value> column(next, end);
    if (args.get_some(1) != nullptr && !has_extra) column.push_back(args[1]);
    columns.push_back(runtime.list(std::move(column)));
    next = end;
  }
  return generator(runtime, std::move(columns));
}

const NativeFunction& filter_named(Runtime& runtime, const Value& name) {
  const StringPayload* text = name.string();
  const NativeFunction* filter = text != nullptr ? find_filter(text->marked.text) : nullptr;
  if (filter == nullptr)
    runtime.unsupported("filter {} is not known", to_plain_repr(runtime, name));
  return *filter;
}

// The arguments behind the first `n_skipped`.
CallArgs rest_of(Arguments call, std::size_t n_skipped) {
  CallArgs rest = call;
  rest.positional.erase(rest.positional.begin(),
                        rest.positional.begin() + static_cast<std::ptrdiff_t>(n_skipped));
  return rest;
}

Value run_map(Runtime& runtime, const Value& value, Arguments call) {
  std::vector<Value> items;
  if (!is_true(value)) return generator(runtime, {});
  if (call.positional.empty()) {
    const BoundArgs args(runtime, "map", call, {"attribute", "default"}, 1);
    const AttributePath path(runtime, &args[0]);
    for (const Value& item : iterate(runtime, value)) {
      items.push_back(path.get(item, args.get_some(1)));
    }
  } else {
    const DepthGuard guard(runtime);  // a filter named here may be map again
    const NativeFunction& filter = filter_named(runtime, call.positional[0]);
    const CallArgs rest = rest_of(call, 1);
    for (const Value& item : iterate(runtime, value)) {
      runtime.step();
      items.push_back(filter.run(runtime, item, rest));
    }
  }
  return generator(runtime, std::move(items));
}

template <bool kKeeps, bool kByAttribute>
Value run_select(Runtime& runtime, const Value& value, Arguments call) {
  if (!is_true(value)) return generator(runtime, {});
  if (kByAttribute && call.positional.empty()) runtime.fail("an attribute name is missing");
  const AttributePath path(runtime, kByAttribute ? &call.positional[0] : nullptr);
  constexpr std::size_t kTestAt = kByAttribute ? 1 : 0;
  const NativeTest* test = nullptr;
  CallArgs rest;
  if (call.positional.size() > kTestAt) {
    const Value& name = call.positional[kTestAt];
    test = name.string() != nullptr ? find_test(name.string()->marked.text) : nullptr;
    if (test == nullptr) runtime.unsupported("test {} is not known", to_plain_repr(runtime, name));
    rest = rest_of(call, kTestAt + 1);
  }
  std::vector<Value> kept;
  for (const Value& item : iterate(runtime, value)) {
    runtime.step();
    const Value looked_at = path.get(item);
    const bool passes = test != nullptr ? test->run(runtime, looked_at, rest) : is_true(looked_at);
    if (passes == kKeeps) kept.push_back(item);
  }
  return generator(runtime, std::move(kept));
}

constexpr NativeFunction kFilters[] = {
    {"batch", run_batch},
    {"count", run_length},
    {"dictsort", run_dictsort},
    {"first", run_first},
    {"groupby", run_groupby},
    {"items", run_items},
    {"join", run_join},
    {"last", run_last},
    {"length", run_length},
    {"list", run_list},
    {"map", run_map},
    {"max", run_extreme<true>},
    {"min", run_extreme<false>},
    {"reject", run_select<false, false>},
    {"rejectattr", run_select<false, true>},
    {"reverse", run_reverse},
    {"select", run_select<true, false>},
    {"selectattr", run_select<true, true>},
    {"slice", run_slice},
    {"sort", run_sort},
    {"sum", run_sum},
    {"unique", run_unique},
};

}  // namespace

std::span<const NativeFunction> sequence_filters() { return kFilters; }

}  // namespace tinyllm::jinja
