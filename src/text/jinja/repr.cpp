#include "text/jinja/repr.h"

#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "text/jinja/big_integer.h"
#include "text/jinja/unicode.h"

namespace tinyllm::jinja {
namespace {

// '\n' as \n, an unprintable character as \x1b, \u200b or \U000e0001, others as they are.
void append_repr_char(TextBuilder& out, std::string_view bytes, char32_t code_point, char quote,
                      bool is_user) {
  const auto c = static_cast<std::uint32_t>(code_point);
  if (c == '\n') return out.append("\\n", is_user);
  if (c == '\r') return out.append("\\r", is_user);
  if (c == '\t') return out.append("\\t", is_user);
  if (c == '\\' || c == static_cast<unsigned char>(quote)) {
    out.append("\\", is_user);
    return out.append(bytes, is_user);
  }
  if (is_printable(code_point)) return out.append(bytes, is_user);
  if (c < 0x100) return out.append(fmt::format("\\x{:02x}", c), is_user);
  out.append(c < 0x10000 ? fmt::format("\\u{:04x}", c) : fmt::format("\\U{:08x}", c), is_user);
}

void append_string_repr(TextBuilder& out, Runtime& runtime, const StringPayload& string) {
  const std::string& text = string.marked.text;
  runtime.scan(text.size());
  const bool has_single = text.find('\'') != std::string::npos;
  const char quote = has_single && text.find('"') == std::string::npos ? '"' : '\'';
  const std::string_view quotes(&quote, 1);
  if (string.is_markup) out.append_template("Markup(");
  out.append_template(quotes);
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(std::string_view(text).substr(i));
    const std::size_t n_bytes = c.n_bytes;
    append_repr_char(out, std::string_view(text).substr(i, n_bytes), c.code_point, quote,
                     has_user_bytes(string.marked, i, i + n_bytes));
    i += n_bytes;
  }
  out.append_template(quotes);
  if (string.is_markup) out.append_template(")");
}

void append_items(TextBuilder& out, Runtime& runtime, const std::vector<Value>& items) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.append_template(", ");
    append_repr(out, runtime, items[i]);
  }
}

void append_sequence(TextBuilder& out, Runtime& runtime, const SequencePayload& sequence) {
  const auto enclosed = [&](const char* begin, const char* end) {
    out.append_template(begin);
    append_items(out, runtime, sequence.items);
    out.append_template(end);
  };
  switch (sequence.kind) {
    case SequenceKind::list: return enclosed("[", "]");
    case SequenceKind::tuple:
    case SequenceKind::group: return enclosed("(", sequence.items.size() == 1 ? ",)" : ")");
    case SequenceKind::dict_keys: return enclosed("dict_keys([", "])");
    case SequenceKind::dict_values: return enclosed("dict_values([", "])");
    case SequenceKind::dict_items: return enclosed("dict_items([", "])");
    case SequenceKind::generator: return out.append_template("<generator object>");
    case SequenceKind::range: break;
  }
  // Only the ends of a range are known: enough for steps of one and for equal steps.
  const auto& items = sequence.items;
  if (items.empty()) return out.append_template("range(0, 0)");
  const std::int64_t first = *items.front().integer(), last = *items.back().integer();
  const std::int64_t step = items.size() > 1 ? *items[1].integer() - first : 1;
  out.append_template(step == 1 ? fmt::format("range({}, {})", first, last + 1)
                                : fmt::format("range({}, {}, {})", first, last + step, step));
}

template <typename Entries, typename AppendKey>
void append_dict(TextBuilder& out, Runtime& runtime, const Entries& entries, AppendKey append_key) {
  bool is_first = true;
  out.append_template("{");
  for (const auto& [key, value] : entries) {
    if (!is_first) out.append_template(", ");
    is_first = false;
    append_key(key);
    out.append_template(": ");
    append_repr(out, runtime, value);
  }
  out.append_template("}");
}

}  // namespace

std::string repr_of_real(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto written =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view shortest(buffer, static_cast<std::size_t>(written.ptr - buffer));
  const std::size_t e = shortest.find('e');
  int exponent = 0;
  const std::size_t exponent_at = shortest[e + 1] == '+' ? e + 2 : e + 1;
  std::from_chars(shortest.data() + exponent_at, shortest.data() + shortest.size(), exponent);
  if (exponent < -4 || exponent >= 16) {
    return fmt::format("{}e{}{:02}", shortest.substr(0, e), exponent < 0 ? '-' : '+',
                       std::abs(exponent));
  }
  const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  std::string text(buffer, fixed.ptr);
  if (text.find('.') == std::string::npos) text += ".0";
  return text;
}

void append_repr(TextBuilder& out, Runtime& runtime, const Value& value) {
  runtime.step();
  if (const StringPayload* string = value.string()) {
    return append_string_repr(out, runtime, *string);
  }
  if (value.is_undefined()) return out.append_template("Undefined");
  append_str(out, runtime, value);
}

void append_str(TextBuilder& out, Runtime& runtime, const Value& value) {
  if (value.is_undefined()) return;
  if (const StringPayload* string = value.string()) return out.append(string->marked);
  if (value.is_none()) return out.append_template("None");
  if (const auto* boolean = std::get_if<bool>(&value.data)) {
    return out.append_template(*boolean ? "True" : "False");
  }
  if (const auto* real = std::get_if<double>(&value.data)) {
    return out.append_template(repr_of_real(*real));
  }
  if (const auto integer = value.integer()) return out.append_template(std::to_string(*integer));
  if (const BigInteger* big = value.big_integer()) return out.append_template(text_of(*big));
  const DepthGuard guard(runtime);
  const auto append_key = [&](const Value& key) { append_repr(out, runtime, key); };
  if (const SequencePayload* sequence = value.sequence()) {
    return append_sequence(out, runtime, *sequence);
  }
  if (const DictPayload* dict = value.dict()) {
    return append_dict(out, runtime, dict->entries, append_key);
  }
  if (const auto* space = std::get_if<Namespace*>(&value.data)) {
    out.append_template("<Namespace ");
    append_dict(out, runtime, (*space)->attributes,
                [&](const std::string& name) { out.append_template("'" + name + "'"); });
    return out.append_template(">");
  }
  if (const auto* loop = std::get_if<LoopState*>(&value.data)) {
    return out.append_template(
        fmt::format("<LoopContext {}/{}>", (*loop)->index0 + 1, (*loop)->items.size()));
  }
  out.append_template("<" + type_name(value) + ">");
}

void append_ascii(TextBuilder& out, Runtime& runtime, const Value& value) {
  TextBuilder whole(runtime);
  append_repr(whole, runtime, value);
  const MarkedText marked = whole.take();
  for (std::size_t i = 0; i < marked.text.size();) {
    const Utf8Char c = decode_utf8(std::string_view(marked.text).substr(i));
    const auto code = static_cast<std::uint32_t>(c.code_point);
    const std::string escaped = code < 0x100     ? fmt::format("\\x{:02x}", code)
                                : code < 0x10000 ? fmt::format("\\u{:04x}", code)
                                                 : fmt::format("\\U{:08x}", code);
    out.append(code < 0x80 ? std::string_view(marked.text).substr(i, 1) : escaped,
               has_user_bytes(marked, i, i + c.n_bytes));
    i += c.n_bytes;
  }
}

MarkedText to_str(Runtime& runtime, const Value& value) {
  if (const StringPayload* string = value.string()) return string->marked;
  TextBuilder out(runtime);
  append_str(out, runtime, value);
  return out.take();
}

std::string to_plain_repr(Runtime& runtime, const Value& value) {
  constexpr std::size_t kMaxBytes = 80;
  TextBuilder out(runtime);
  append_repr(out, runtime, value);
  std::string text = out.take().text;
  if (text.size() > kMaxBytes) text = text.substr(0, kMaxBytes) + "...";
  return replace_ill_formed(text);
}

void append_escaped(TextBuilder& out, const MarkedText& text) {
  static constexpr std::string_view kSpecial = "&<>'\"";
  static constexpr std::string_view kEscapes[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
  std::size_t begin = 0;
  while (true) {
    const std::size_t at = text.text.find_first_of(kSpecial, begin);
    if (at == std::string::npos) return out.append(text, begin, text.text.size());
    out.append(text, begin, at);
    out.append(kEscapes[kSpecial.find(text.text[at])], has_user_bytes(text, at, at + 1));
    begin = at + 1;
  }
}

}  // namespace tinyllm::jinja
