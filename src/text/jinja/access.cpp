#include "text/jinja/access.h"

#include <algorithm>

#include "base/utf8.h"
#include "text/jinja/builtins.h"
#include "text/jinja/operators.h"
#include "text/jinja/repr.h"
#include "text/jinja/strings.h"
#include "text/jinja/unicode.h"

namespace tinyllm::jinja {
namespace {

std::string describe_object(const Value& object) {
  return object.is_none() ? "None" : type_name(object) + " object";
}

Value missing_attribute(const Value& object, std::string_view name) {
  return make_undefined(fmt::format("'{}' has no attribute '{}'", describe_object(object), name));
}

Value unsafe_attribute(const Value& object, std::string_view name) {
  return make_undefined(
      fmt::format("access to attribute '{}' of '{}' object is unsafe", name, type_name(object)));
}

Value loop_attribute(const Value& object, std::string_view name) {
  const LoopState& loop = **std::get_if<LoopState*>(&object.data);
  const auto index0 = static_cast<std::int64_t>(loop.index0);
  const auto n_items = static_cast<std::int64_t>(loop.items.size());
  if (name == "index") return make_integer(index0 + 1);
  if (name == "index0") return make_integer(index0);
  if (name == "revindex") return make_integer(n_items - index0);
  if (name == "revindex0") return make_integer(n_items - index0 - 1);
  if (name == "first") return make_bool(index0 == 0);
  if (name == "last") return make_bool(index0 + 1 == n_items);
  if (name == "length") return make_integer(n_items);
  if (name == "depth") return make_integer(static_cast<std::int64_t>(loop.depth0) + 1);
  if (name == "depth0") return make_integer(static_cast<std::int64_t>(loop.depth0));
  if (name == "previtem") {
    return index0 == 0 ? make_undefined("there is no previous item") : loop.items[loop.index0 - 1];
  }
  if (name == "nextitem") {
    return index0 + 1 == n_items ? make_undefined("there is no next item")
                                 : loop.items[loop.index0 + 1];
  }
  return missing_attribute(object, name);
}

// What getattr(object, name) finds in Python; nothing when it raises AttributeError.
std::optional<Value> own_attribute(Runtime& runtime, const Value& object, std::string_view name) {
  if (const NativeFunction* method = find_method(object, name)) {
    if (method->mutates) return unsafe_attribute(object, name);
    CallablePayload bound;
    bound.native = method;
    bound.self = object;
    return runtime.callable(std::move(bound));
  }
  if (name.size() > 4 && name.starts_with("__") && name.ends_with("__")) {
    return unsafe_attribute(object, name);
  }
  if (const auto* space = std::get_if<Namespace*>(&object.data)) {
    runtime.look_through((*space)->attributes.size());
    for (const auto& [key, value] : (*space)->attributes) {
      if (key == name) return value;
    }
  }
  if (object.is<LoopState*>()) return loop_attribute(object, name);
  if (const auto* cycle = std::get_if<Cycle*>(&object.data)) {
    if ((*cycle)->is_joiner && name == "sep") return (*cycle)->items[0];
    if ((*cycle)->is_joiner && name == "used") return make_bool((*cycle)->position != 0);
    if (!(*cycle)->is_joiner && name == "current") return (*cycle)->items[(*cycle)->position];
    if (!(*cycle)->is_joiner && name == "items") return runtime.tuple((*cycle)->items);
    if (!(*cycle)->is_joiner && name == "pos") {
      return make_integer(static_cast<std::int64_t>((*cycle)->position));
    }
  }
  if (const auto* sequence = object.sequence();
      sequence != nullptr && sequence->kind == SequenceKind::group && sequence->items.size() == 2) {
    if (name == "grouper") return sequence->items[0];
    if (name == "list") return sequence->items[1];
  }
  return std::nullopt;
}

bool can_be_indexed(SequenceKind kind) {
  return kind == SequenceKind::list || kind == SequenceKind::tuple || kind == SequenceKind::group ||
         kind == SequenceKind::range;
}

// A Python index into `n_items`, or nothing when it is out of range.
std::optional<std::size_t> resolve_index(std::int64_t index, std::size_t n_items) {
  const auto n = static_cast<std::int64_t>(n_items);
  if (index < -n || index >= n) return std::nullopt;
  return static_cast<std::size_t>(index < 0 ? index + n : index);
}

Value char_at(Runtime& runtime, const StringPayload& string, std::size_t index) {
  const std::string& text = string.marked.text;
  const std::size_t begin = char_offset(text, index);
  const std::size_t n_bytes = decode_utf8(std::string_view(text).substr(begin)).n_bytes;
  return part_of(runtime, string, begin, begin + n_bytes);
}

// object[key] in Python; nothing when it raises TypeError or LookupError.
std::optional<Value> own_item(Runtime& runtime, const Value& object, const Value& key) {
  if (const DictPayload* dict = object.dict()) {
    const Value* found = is_hashable(key) ? find_key(runtime, *dict, key) : nullptr;
    return found == nullptr ? std::nullopt : std::optional<Value>(*found);
  }
  const auto index = key.integer();
  if (!index) return std::nullopt;
  if (const auto* sequence = object.sequence(); sequence && can_be_indexed(sequence->kind)) {
    const auto at = resolve_index(*index, sequence->items.size());
    return at ? std::optional<Value>(sequence->items[*at]) : std::nullopt;
  }
  if (const StringPayload* string = object.string()) {
    runtime.scan(string->marked.text.size());
    const auto at = resolve_index(*index, count_chars(string->marked.text));
    return at ? std::optional<Value>(char_at(runtime, *string, *at)) : std::nullopt;
  }
  return std::nullopt;
}

struct SliceBounds {
  std::int64_t begin, n_items, step;  // takes begin, begin + step, ...
};

std::int64_t slice_integer(Runtime& runtime, const Value* value, std::int64_t otherwise) {
  if (value == nullptr || value->is_none()) return otherwise;
  const auto integer = value->integer();
  if (!integer) runtime.fail("slice indices must be integers or none, not {}", type_name(*value));
  return *integer;
}

SliceBounds slice_bounds(Runtime& runtime, std::int64_t n_items, const Value* begin,
                         const Value* end, const Value* step_value) {
  const std::int64_t step = slice_integer(runtime, step_value, 1);
  if (step == 0) runtime.fail("slice step cannot be zero");
  const std::int64_t lowest = step > 0 ? 0 : -1;
  const std::int64_t highest = step > 0 ? n_items : n_items - 1;
  const auto clamp = [&](std::int64_t index) {
    if (index < 0) index = index < -n_items ? lowest : index + n_items;
    return std::clamp(index, lowest, highest);
  };
  const bool has_begin = begin != nullptr && !begin->is_none();
  const bool has_end = end != nullptr && !end->is_none();
  const std::int64_t first =
      has_begin ? clamp(slice_integer(runtime, begin, 0)) : (step > 0 ? lowest : highest);
  const std::int64_t last =
      has_end ? clamp(slice_integer(runtime, end, 0)) : (step > 0 ? highest : lowest);
  const std::int64_t span = step > 0 ? last - first : first - last;
  if (span <= 0) return {0, 0, 1};
  // The step's size as unsigned, since -INT64_MIN does not exist.
  const std::uint64_t stride =
      step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const std::uint64_t count = (static_cast<std::uint64_t>(span) - 1) / stride + 1;
  return {first, static_cast<std::int64_t>(count), count > 1 ? step : 1};
}

Value slice_string(Runtime& runtime, const StringPayload& string, const Value* begin,
                   const Value* end, const Value* step) {
  const std::string& text = string.marked.text;
  runtime.scan(text.size());
  const auto n_chars = static_cast<std::int64_t>(count_chars(text));
  const SliceBounds bounds = slice_bounds(runtime, n_chars, begin, end, step);
  if (bounds.step == 1) {
    const std::size_t first = char_offset(text, bounds.begin);
    const std::string_view rest = std::string_view(text).substr(first);
    const std::size_t n_bytes = char_offset(rest, bounds.n_items);
    return part_of(runtime, string, first, first + n_bytes);
  }
  TextBuilder out(runtime);
  std::vector<std::size_t> offsets;  // where each character begins, and the end
  runtime.allocate((text.size() + 1) * sizeof(std::size_t));
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) offsets.push_back(i);
  }
  offsets.push_back(text.size());
  for (std::int64_t i = 0; i < bounds.n_items; ++i) {
    const auto at = static_cast<std::size_t>(bounds.begin + i * bounds.step);
    out.append(string.marked, offsets[at], offsets[at + 1]);
  }
  return runtime.string(out.take(), string.is_markup);
}

}  // namespace

bool is_hashable(const Value& value) {
  if (value.dict() != nullptr) return false;
  const SequencePayload* sequence = value.sequence();
  if (sequence == nullptr) return true;
  if (sequence->kind == SequenceKind::list) return false;
  return std::all_of(sequence->items.begin(), sequence->items.end(), is_hashable);
}

const Value* find_key(Runtime& runtime, const DictPayload& dict, std::string_view key) {
  runtime.step(dict.entries.size() / 8 + 1);
  for (const auto& [name, value] : dict.entries) {
    const StringPayload* text = name.string();
    if (text != nullptr && text->marked.text == key) return &value;
  }
  return nullptr;
}

const Value* find_key(Runtime& runtime, const DictPayload& dict, const Value& key) {
  if (const StringPayload* text = key.string()) return find_key(runtime, dict, text->marked.text);
  for (const auto& [name, value] : dict.entries) {
    if (equals(runtime, name, key)) return &value;
  }
  return nullptr;
}

Value get_attribute(Runtime& runtime, const Value& object, std::string_view name) {
  if (object.is_undefined()) runtime.fail_undefined(object);
  if (auto found = own_attribute(runtime, object, name)) {
    return name.starts_with('_') ? unsafe_attribute(object, name) : *std::move(found);
  }
  if (const DictPayload* dict = object.dict()) {
    if (const Value* found = find_key(runtime, *dict, name)) return *found;
  }
  return missing_attribute(object, name);
}

Value get_item(Runtime& runtime, const Value& object, const Value& key) {
  if (object.is_undefined()) runtime.fail_undefined(object);
  if (auto found = own_item(runtime, object, key)) return *std::move(found);
  const StringPayload* name = key.string();
  if (name == nullptr) {
    return make_undefined(
        fmt::format("{} has no element {}", describe_object(object), to_plain_repr(runtime, key)));
  }
  const std::string& text = name->marked.text;
  if (auto found = own_attribute(runtime, object, text)) {
    return text.starts_with('_') ? unsafe_attribute(object, text) : *std::move(found);
  }
  return missing_attribute(object, text);
}

Value get_slice(Runtime& runtime, const Value& object, const Value* begin, const Value* end,
                const Value* step) {
  if (object.is_undefined()) runtime.fail_undefined(object);
  if (const StringPayload* string = object.string()) {
    return slice_string(runtime, *string, begin, end, step);
  }
  const SequencePayload* sequence = object.sequence();
  if (sequence == nullptr || !can_be_indexed(sequence->kind)) {
    runtime.fail("'{}' object cannot be sliced", type_name(object));
  }
  const auto n_items = static_cast<std::int64_t>(sequence->items.size());
  const SliceBounds bounds = slice_bounds(runtime, n_items, begin, end, step);
  std::vector<Value> items;
  runtime.step(static_cast<std::uint64_t>(bounds.n_items) / 8);
  for (std::int64_t i = 0; i < bounds.n_items; ++i) {
    items.push_back(sequence->items[bounds.begin + i * bounds.step]);
  }
  return runtime.sequence(
      sequence->kind == SequenceKind::group ? SequenceKind::tuple : sequence->kind,
      std::move(items));
}

bool is_iterable(const Value& value) {
  return value.is_undefined() || value.string() != nullptr || value.sequence() != nullptr ||
         value.dict() != nullptr || value.is<LoopState*>();
}

std::vector<Value> iterate(Runtime& runtime, const Value& value) {
  std::vector<Value> items;
  if (value.is_undefined()) return items;
  if (const SequencePayload* sequence = value.sequence()) {
    std::size_t first = 0;
    if (sequence->kind == SequenceKind::generator) {
      first = std::exchange(sequence->n_taken, sequence->items.size());
    }
    items.assign(sequence->items.begin() + static_cast<std::ptrdiff_t>(first),
                 sequence->items.end());
  } else if (const DictPayload* dict = value.dict()) {
    for (const auto& [key, entry] : dict->entries) items.push_back(key);
  } else if (const StringPayload* string = value.string()) {
    const std::string& text = string->marked.text;
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t n_bytes = decode_utf8(std::string_view(text).substr(i)).n_bytes;
      TextBuilder out(runtime);
      out.append(string->marked, i, i + n_bytes);
      items.push_back(runtime.string(out.take()));
      i += n_bytes;
    }
  } else if (value.is<LoopState*>()) {
    runtime.unsupported("iterating over 'loop' is not supported");
  } else {
    runtime.fail("'{}' object is not iterable", type_name(value));
  }
  runtime.step(items.size() / 8);
  runtime.allocate(items.size() * sizeof(Value));
  return items;
}

std::int64_t length(Runtime& runtime, const Value& value) {
  if (value.is_undefined()) return 0;
  if (const StringPayload* string = value.string()) {
    runtime.scan(string->marked.text.size());
    return static_cast<std::int64_t>(count_chars(string->marked.text));
  }
  if (const DictPayload* dict = value.dict()) {
    return static_cast<std::int64_t>(dict->entries.size());
  }
  if (const auto* loop = std::get_if<LoopState*>(&value.data)) {
    return static_cast<std::int64_t>((*loop)->items.size());
  }
  const SequencePayload* sequence = value.sequence();
  if (sequence == nullptr || sequence->kind == SequenceKind::generator) {
    runtime.fail("object of type '{}' has no length", type_name(value));
  }
  return static_cast<std::int64_t>(sequence->items.size());
}

}  // namespace tinyllm::jinja
