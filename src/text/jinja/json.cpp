#include "text/jinja/json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json_values.h"
#include "base/utf8.h"
#include "text/jinja/big_integer.h"
#include "text/jinja/repr.h"

namespace tinyllm::jinja {
namespace {

using Json = nlohmann::ordered_json;

Value string_from(Runtime& runtime, std::string_view text, Origin origin) {
  MarkedText marked{replace_ill_formed(text), {}};
  if (origin == Origin::user && !marked.text.empty()) {
    marked.user_ranges.push_back({0, marked.text.size()});
  }
  return runtime.string(std::move(marked));
}

Value value_at(Runtime& runtime, const Json& json, Origin origin, int depth) {
  if (depth > kMaxJsonDepth) {
    fail(ErrorCode::invalid_input, "template inputs: nested more than {} levels deep",
         kMaxJsonDepth);
  }
  switch (json.type()) {
    case Json::value_t::boolean: return make_bool(json.get<bool>());
    case Json::value_t::number_integer: return make_integer(json.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      return make_whole(static_cast<__int128>(json.get<std::uint64_t>()));
    case Json::value_t::number_float: return make_real(json.get<double>());
    case Json::value_t::binary: return make_whole(*big_integer_in(json));
    case Json::value_t::string:
      return string_from(runtime, json.get_ref<const std::string&>(), origin);
    case Json::value_t::array: {
      std::vector<Value> items;
      for (const Json& item : json) items.push_back(value_at(runtime, item, origin, depth + 1));
      return runtime.list(std::move(items));
    }
    case Json::value_t::object: {
      std::vector<std::pair<Value, Value>> entries;
      for (const auto& [key, entry] : json.items()) {
        entries.emplace_back(string_from(runtime, key, origin),
                             value_at(runtime, entry, origin, depth + 1));
      }
      return runtime.dict(std::move(entries));
    }
    default: return make_none();
  }
}

class JsonWriter {
 public:
  JsonWriter(TextBuilder& out, Runtime& runtime, const JsonOptions& options)
      : out_(out), runtime_(runtime), options_(options) {}

  void write(const Value& value) {
    runtime_.step();
    if (const StringPayload* string = value.string()) return write_string(string->marked);
    if (value.is_none()) return out_.append_template("null");
    if (const auto* boolean = std::get_if<bool>(&value.data)) {
      return out_.append_template(*boolean ? "true" : "false");
    }
    if (const auto* real = std::get_if<double>(&value.data)) return write_real(*real);
    if (const auto integer = value.integer()) return out_.append_template(std::to_string(*integer));
    if (const BigInteger* big = value.big_integer()) return out_.append_template(text_of(*big));
    const DepthGuard guard(runtime_);
    if (const DictPayload* dict = value.dict()) return write_dict(*dict);
    const SequencePayload* sequence = value.sequence();
    const bool is_array = sequence != nullptr && (sequence->kind == SequenceKind::list ||
                                                  sequence->kind == SequenceKind::tuple ||
                                                  sequence->kind == SequenceKind::group);
    if (is_array) return write_array(sequence->items);
    runtime_.fail("object of type {} cannot be written as JSON", type_name(value));
  }

 private:
  void write_real(double value) {
    if (std::isnan(value)) return out_.append_template("NaN");
    if (std::isinf(value)) return out_.append_template(value < 0 ? "-Infinity" : "Infinity");
    out_.append_template(repr_of_real(value));
  }

  // The part of a string that needs no escape goes out in one piece, its user marks with it.
  void write_string(const MarkedText& marked) {
    const std::string& text = marked.text;
    runtime_.scan(text.size());
    out_.append_template("\"");
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text.size();) {
      const auto byte = static_cast<unsigned char>(text[i]);
      const bool is_plain =
          byte >= 0x20 && byte != '"' && byte != '\\' && (byte < 0x7F || !options_.ensure_ascii);
      if (is_plain) {
        ++i;
        continue;
      }
      out_.append(marked, begin, i);
      const Utf8Char c = decode_utf8(std::string_view(text).substr(i));
      const std::size_t end = i + c.n_bytes;
      out_.append(escape(c.code_point), has_user_bytes(marked, i, end));
      begin = i = end;
    }
    out_.append(marked, begin, text.size());
    out_.append_template("\"");
  }

  static std::string escape(char32_t code_point) {
    const auto c = static_cast<std::uint32_t>(code_point);
    switch (c) {
      case '"': return "\\\"";
      case '\\': return "\\\\";
      case '\n': return "\\n";
      case '\r': return "\\r";
      case '\t': return "\\t";
      case '\f': return "\\f";
      case '\b': return "\\b";
      default: break;
    }
    if (c < 0x10000) return fmt::format("\\u{:04x}", c);
    const std::uint32_t offset = c - 0x10000;
    return fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (offset >> 10), 0xDC00 + (offset & 0x3FF));
  }

  void write_break() {
    if (options_.indent == nullptr) return;
    out_.append_template("\n");
    for (int i = 0; i < level_; ++i) out_.append(options_.indent->marked);
  }

  void write_item_separator() {
    if (options_.item_separator != nullptr) {
      out_.append(options_.item_separator->marked);
    } else {
      out_.append_template(options_.indent != nullptr ? "," : ", ");
    }
  }

  void write_array(const std::vector<Value>& items) {
    if (items.empty()) return out_.append_template("[]");
    out_.append_template("[");
    ++level_;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) write_item_separator();
      write_break();
      write(items[i]);
    }
    --level_;
    write_break();
    out_.append_template("]");
  }

  void write_dict(const DictPayload& dict) {
    if (dict.entries.empty()) return out_.append_template("{}");
    out_.append_template("{");
    ++level_;
    bool is_first = true;
    for (const auto* entry : ordered(dict)) {
      if (!is_first) write_item_separator();
      is_first = false;
      write_break();
      write_key(entry->first);
      if (options_.key_separator != nullptr) {
        out_.append(options_.key_separator->marked);
      } else {
        out_.append_template(": ");
      }
      write(entry->second);
    }
    --level_;
    write_break();
    out_.append_template("}");
  }

  std::vector<const std::pair<Value, Value>*> ordered(const DictPayload& dict) {
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.entries) entries.push_back(&entry);
    if (!options_.sort_keys) return entries;
    for (const auto* entry : entries) {
      if (entry->first.string() == nullptr) {
        runtime_.unsupported("tojson(sort_keys=true) with a key of type {}",
                             type_name(entry->first));
      }
    }
    runtime_.step(entries.size());
    std::sort(entries.begin(), entries.end(), [](const auto* left, const auto* right) {
      return left->first.string()->marked.text < right->first.string()->marked.text;
    });
    return entries;
  }

  // json.dumps turns keys that are numbers, booleans or none into strings.
  void write_key(const Value& key) {
    if (const StringPayload* string = key.string()) return write_string(string->marked);
    const bool is_simple = key.is_none() || key.number().has_value();
    if (!is_simple) runtime_.fail("a key of type {} cannot be written as JSON", type_name(key));
    out_.append_template("\"");
    write(key);
    out_.append_template("\"");
  }

  TextBuilder& out_;
  Runtime& runtime_;
  const JsonOptions& options_;
  int level_ = 0;
};

}  // namespace

Value value_from_json(Runtime& runtime, const Json& json, Origin origin) {
  return value_at(runtime, json, origin, 0);
}

void append_json(TextBuilder& out, Runtime& runtime, const Value& value,
                 const JsonOptions& options) {
  JsonWriter(out, runtime, options).write(value);
}

}  // namespace tinyllm::jinja
