// Methods of strings, lists, tuples, dicts and loops that templates call.

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "text/jinja/access.h"
#include "text/jinja/builtins.h"
#include "text/jinja/format.h"
#include "text/jinja/operators.h"
#include "text/jinja/strings.h"
#include "text/jinja/unicode.h"

namespace tinyllm::jinja {
namespace {

using Arguments = const CallArgs&;

Value same_kind(Runtime& runtime, const Value& self, MarkedText text) {
  return runtime.string(std::move(text), self.string()->is_markup);
}

template <Side kSide>
Value run_strip(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "strip", call, {"chars"});
  const bool has_chars = args.get_some(0) != nullptr;
  return strip(runtime, *self.string(), has_chars ? &args.string(0) : nullptr, kSide);
}

template <Side kFrom>
Value run_split(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "split", call, {"sep", "maxsplit"});
  const StringPayload* separator = args.get_some(0) != nullptr ? &args.string(0) : nullptr;
  return runtime.list(split(runtime, *self.string(), separator, args.integer(1, -1), kFrom));
}

Value run_splitlines(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "splitlines", call, {"keepends"});
  return runtime.list(split_lines(runtime, *self.string(), args.is_true(0)));
}

template <Side kFrom>
Value run_partition(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "partition", call, {"sep"}, 1);
  return partition(runtime, *self.string(), args.string(0), kFrom);
}

// text[start:end] in characters, for startswith, find, count and so on.
TextRange searched_range(const BoundArgs& args, std::string_view text) {
  if (args.get_some(1) == nullptr && args.get_some(2) == nullptr) return {0, text.size()};
  const auto n_chars = static_cast<std::int64_t>(count_chars(text));
  const auto offset = [&](std::size_t index, std::int64_t otherwise) {
    std::int64_t at = args.get_some(index) != nullptr ? args.integer(index, 0) : otherwise;
    if (at < 0) at = std::max<std::int64_t>(at + n_chars, 0);
    // A start behind the end finds nothing, not even "".
    return at > n_chars ? text.size() + (index == 1 ? 1 : 0) : char_offset(text, at);
  };
  return {offset(1, 0), offset(2, n_chars)};
}

template <bool kAtStart>
Value run_affix(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, kAtStart ? "startswith" : "endswith", call,
                       {"prefix", "start", "end"}, 1);
  const std::string_view text = self.string()->marked.text;
  if (call.positional.size() + call.named.size() > 1) runtime.scan(text.size());
  const TextRange range = searched_range(args, text);
  const auto matches = [&](const StringPayload* affix) {
    if (affix == nullptr) runtime.fail("startswith and endswith need a string or a tuple of them");
    if (range.begin > range.end) return false;
    const std::string_view part = text.substr(range.begin, range.end - range.begin);
    runtime.scan(std::min(part.size(), affix->marked.text.size()));
    return kAtStart ? part.starts_with(affix->marked.text) : part.ends_with(affix->marked.text);
  };
  const SequencePayload* choices = args[0].sequence();
  if (choices == nullptr || choices->kind != SequenceKind::tuple) {
    return make_bool(matches(args[0].string()));
  }
  return make_bool(std::any_of(choices->items.begin(), choices->items.end(),
                               [&](const Value& choice) { return matches(choice.string()); }));
}

// Where `part` stands, in characters; -1 when nowhere.
template <Side kFrom>
std::int64_t find_part(Runtime& runtime, const Value& self, const BoundArgs& args) {
  const std::string_view text = self.string()->marked.text;
  const std::string_view part = args.string(0).marked.text;
  const TextRange range = searched_range(args, text);
  if (range.begin > range.end) return -1;
  const std::string_view searched = text.substr(range.begin, range.end - range.begin);
  runtime.scan(kFrom == Side::left ? searched.size() : searched.size() * (part.size() + 1));
  const std::size_t at = kFrom == Side::left ? find_text(searched, part, 0) : searched.rfind(part);
  if (at == std::string_view::npos) return -1;
  return static_cast<std::int64_t>(count_chars(text.substr(0, range.begin + at)));
}

template <Side kFrom, bool kMustExist>
Value run_find(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, kMustExist ? "index" : "find", call, {"sub", "start", "end"}, 1);
  const std::int64_t found = find_part<kFrom>(runtime, self, args);
  if (kMustExist && found < 0) runtime.fail("index: substring not found");
  return make_integer(found);
}

Value run_count(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "count", call, {"sub", "start", "end"}, 1);
  const std::string_view text = self.string()->marked.text;
  const TextRange range = searched_range(args, text);
  if (range.begin > range.end) return make_integer(0);
  return make_integer(count_text(runtime, text.substr(range.begin, range.end - range.begin),
                                 args.string(0).marked.text));
}

Value run_replace(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "replace", call, {"old", "new", "count"}, 2);
  return same_kind(runtime, self,
                   replace(runtime, self.string()->marked, args.string(0).marked,
                           args.string(1).marked, args.integer(2, -1)));
}

template <bool kAtStart>
Value run_remove_affix(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "removeprefix", call, {"prefix"}, 1);
  const std::string_view text = self.string()->marked.text;
  const std::string_view affix = args.string(0).marked.text;
  if (kAtStart && text.starts_with(affix)) {
    return part_of(runtime, *self.string(), affix.size(), text.size());
  }
  if (!kAtStart && text.ends_with(affix)) {
    return part_of(runtime, *self.string(), 0, text.size() - affix.size());
  }
  return self;
}

template <MarkedText (*kChange)(Runtime&, const MarkedText&)>
Value run_change(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "method", call, {});
  return same_kind(runtime, self, kChange(runtime, self.string()->marked));
}

Value run_join(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "join", call, {"iterable"}, 1);
  const std::vector<Value> items = iterate(runtime, args[0]);
  for (const Value& item : items) {
    if (item.string() == nullptr) {
      runtime.fail("join: expected strings, found '{}'", type_name(item));
    }
  }
  return same_kind(runtime, self, join(runtime, self.string()->marked, items));
}

template <Side kSide>
Value run_pad(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "padding", call, {"width", "fillchar"}, 1);
  std::string_view fill = " ";
  if (args.get(1) != nullptr) fill = args.string(1).marked.text;
  return pad(runtime, *self.string(), args.integer(0, 0), fill, kSide);
}

Value run_zfill(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "zfill", call, {"width"}, 1);
  return zero_fill(runtime, *self.string(), args.integer(0, 0));
}

Value run_format(Runtime& runtime, const Value& self, Arguments call) {
  return same_kind(runtime, self, format_braces(runtime, self.string()->marked, call));
}

// isalpha, isdigit, ...: not empty and every character is so.
template <bool (*kIs)(char32_t)>
Value run_every_char(Runtime& runtime, const Value& self, Arguments) {
  std::string_view text = self.string()->marked.text;
  runtime.scan(text.size());
  bool all = !text.empty();
  while (all && !text.empty()) {
    const Utf8Char c = decode_utf8(text);
    all = kIs(c.code_point);
    text.remove_prefix(c.n_bytes);
  }
  return make_bool(all);
}

// islower, isupper: has letters with case, and all of them are so.
template <bool (*kIs)(char32_t)>
Value run_cased(Runtime& runtime, const Value& self, Arguments) {
  return make_bool(all_cased(runtime, self.string()->marked.text, kIs));
}

Value run_isascii(Runtime& runtime, const Value& self, Arguments) {
  const std::string& text = self.string()->marked.text;
  runtime.scan(text.size());
  return make_bool(std::all_of(text.begin(), text.end(),
                               [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
}

Value run_sequence_count(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "count", call, {"value"}, 1);
  std::int64_t n_found = 0;
  for (const Value& item : self.sequence()->items)
    n_found += equals(runtime, item, args[0]) ? 1 : 0;
  return make_integer(n_found);
}

Value run_sequence_index(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "index", call, {"value"}, 1);
  const auto& items = self.sequence()->items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (equals(runtime, items[i], args[0])) return make_integer(static_cast<std::int64_t>(i));
  }
  runtime.fail("index: the value is not in the list");
}

Value run_copy(Runtime&, const Value& self, Arguments) { return self; }

Value run_get(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "get", call, {"key", "default"}, 1);
  if (!is_hashable(args[0])) runtime.fail("get: '{}' cannot be a key", type_name(args[0]));
  if (const Value* found = find_key(runtime, *self.dict(), args[0])) return *found;
  return args.get(1) != nullptr ? args[1] : make_none();
}

template <SequenceKind kKind>
Value run_view(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "method", call, {});
  std::vector<Value> items;
  for (const auto& [key, value] : self.dict()->entries) {
    if (kKind == SequenceKind::dict_keys) items.push_back(key);
    if (kKind == SequenceKind::dict_values) items.push_back(value);
    if (kKind == SequenceKind::dict_items) items.push_back(runtime.tuple({key, value}));
  }
  runtime.step(items.size());
  return runtime.sequence(kKind, std::move(items));
}

LoopState& loop_of(const Value& self) { return **std::get_if<LoopState*>(&self.data); }

Value run_cycle(Runtime& runtime, const Value& self, Arguments call) {
  if (call.positional.empty()) runtime.fail("loop.cycle needs at least one argument");
  return call.positional[loop_of(self).index0 % call.positional.size()];
}

Value run_changed(Runtime& runtime, const Value& self, Arguments call) {
  auto& last = loop_of(self).last_changed;
  bool is_same = last.has_value() && last->size() == call.positional.size();
  for (std::size_t i = 0; is_same && i < call.positional.size(); ++i) {
    is_same = equals(runtime, (*last)[i], call.positional[i]);
  }
  if (!is_same) last = call.positional;
  return make_bool(!is_same);
}

constexpr NativeFunction kStringMethods[] = {
    {"capitalize", run_change<capitalize>},
    {"center", run_pad<Side::both>},
    {"count", run_count},
    {"endswith", run_affix<false>},
    {"find", run_find<Side::left, false>},
    {"format", run_format},
    {"index", run_find<Side::left, true>},
    {"isalnum", run_every_char<is_alphanumeric>},
    {"isalpha", run_every_char<is_letter>},
    {"isascii", run_isascii},
    {"isdecimal", run_every_char<is_decimal_digit>},
    {"isdigit", run_every_char<is_digit>},
    {"islower", run_cased<is_lower>},
    {"isspace", run_every_char<is_space>},
    {"isupper", run_cased<is_upper>},
    {"join", run_join},
    {"ljust", run_pad<Side::right>},
    {"lower", run_change<to_lower>},
    {"lstrip", run_strip<Side::left>},
    {"partition", run_partition<Side::left>},
    {"removeprefix", run_remove_affix<true>},
    {"removesuffix", run_remove_affix<false>},
    {"replace", run_replace},
    {"rfind", run_find<Side::right, false>},
    {"rindex", run_find<Side::right, true>},
    {"rjust", run_pad<Side::left>},
    {"rpartition", run_partition<Side::right>},
    {"rsplit", run_split<Side::right>},
    {"rstrip", run_strip<Side::right>},
    {"split", run_split<Side::left>},
    {"splitlines", run_splitlines},
    {"startswith", run_affix<true>},
    {"strip", run_strip<Side::both>},
    {"swapcase", run_change<swap_case>},
    {"title", run_change<title_method>},
    {"upper", run_change<to_upper>},
    {"zfill", run_zfill},
};

constexpr NativeFunction kListMethods[] = {
    {"append", nullptr, true},     {"clear", nullptr, true},  {"copy", run_copy},
    {"count", run_sequence_count}, {"extend", nullptr, true}, {"index", run_sequence_index},
    {"insert", nullptr, true},     {"pop", nullptr, true},    {"remove", nullptr, true},
    {"reverse", nullptr, true},    {"sort", nullptr, true},
};

constexpr NativeFunction kTupleMethods[] = {
    {"count", run_sequence_count},
    {"index", run_sequence_index},
};

constexpr NativeFunction kDictMethods[] = {
    {"clear", nullptr, true},
    {"copy", run_copy},
    {"get", run_get},
    {"items", run_view<SequenceKind::dict_items>},
    {"keys", run_view<SequenceKind::dict_keys>},
    {"pop", nullptr, true},
    {"popitem", nullptr, true},
    {"setdefault", nullptr, true},
    {"update", nullptr, true},
    {"values", run_view<SequenceKind::dict_values>},
};

Cycle& cycle_of(const Value& self) { return **std::get_if<Cycle*>(&self.data); }

Value run_next(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "cycler.next", call, {});
  Cycle& cycle = cycle_of(self);
  Value item = cycle.items[cycle.position];
  cycle.position = (cycle.position + 1) % cycle.items.size();
  return item;
}

Value run_reset(Runtime& runtime, const Value& self, Arguments call) {
  const BoundArgs args(runtime, "cycler.reset", call, {});
  cycle_of(self).position = 0;
  return make_none();
}

constexpr NativeFunction kCyclerMethods[] = {{"next", run_next}, {"reset", run_reset}};

constexpr NativeFunction kLoopMethods[] = {{"changed", run_changed}, {"cycle", run_cycle}};

template <std::size_t kSize>
const NativeFunction* method_in(const NativeFunction (&table)[kSize], std::string_view name) {
  for (const NativeFunction& method : table) {
    if (method.name == name) return &method;
  }
  return nullptr;
}

}  // namespace

const NativeFunction* find_method(const Value& self, std::string_view name) {
  if (self.string() != nullptr) return method_in(kStringMethods, name);
  if (self.dict() != nullptr) return method_in(kDictMethods, name);
  if (self.is<LoopState*>()) return method_in(kLoopMethods, name);
  if (self.is<Cycle*>()) {
    return cycle_of(self).is_joiner ? nullptr : method_in(kCyclerMethods, name);
  }
  const SequencePayload* sequence = self.sequence();
  if (sequence == nullptr) return nullptr;
  if (sequence->kind == SequenceKind::list) return method_in(kListMethods, name);
  const bool has_count = sequence->kind == SequenceKind::tuple ||
                         sequence->kind == SequenceKind::group ||
                         sequence->kind == SequenceKind::range;
  return has_count ? method_in(kTupleMethods, name) : nullptr;
}

bool is_unsupported_method(std::string_view name) {
  static constexpr std::array<std::string_view, 10> kNames = {
      "casefold", "encode",    "expandtabs",  "format_map", "isidentifier",
      "istitle",  "isnumeric", "isprintable", "maketrans",  "translate"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace tinyllm::jinja
