// str.format: "{} {0.name} {key[0]!r:>5}".
#include <optional>

#include "text/jinja/access.h"
#include "text/jinja/format.h"
#include "text/jinja/format_spec.h"
#include "text/jinja/repr.h"

namespace tinyllm::jinja {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr int kMaxNesting = 2;  // a specification may hold fields, theirs may not

bool is_number(std::string_view text) {
  return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == kNone;
}

class BracesFormatter {
 public:
  BracesFormatter(Runtime& runtime, const CallArgs& args) : runtime_(runtime), args_(args) {}

  MarkedText run(const MarkedText& format, int nesting = kMaxNesting) {
    if (nesting == 0) runtime_.fail("format: fields are nested too deep");
    const std::string_view text = format.text;
    runtime_.scan(text.size());
    TextBuilder out(runtime_);
    std::size_t begin = 0;
    while (true) {
      const std::size_t at = text.find_first_of("{}", begin);
      if (at == kNone) break;
      out.append(format, begin, at);
      if (at + 1 < text.size() && text[at + 1] == text[at]) {
        out.append(format, at, at + 1);
        begin = at + 2;
        continue;
      }
      const std::size_t end = text[at] == '}' ? kNone : end_of_field(text, at);
      if (end == kNone) runtime_.fail("format: a single '{}' in the text", text[at]);
      append_field(out, format, at + 1, end, nesting);
      begin = end + 1;
    }
    out.append(format, begin, text.size());
    return out.take();
  }

 private:
  // The closing brace of the field that opens at `at`.
  static std::size_t end_of_field(std::string_view text, std::size_t at) {
    int depth = 0;
    for (std::size_t i = at; i < text.size(); ++i) {
      if (text[i] == '{') ++depth;
      if (text[i] == '}' && --depth == 0) return i;
      if (text[i] == '[' && depth == 1) {
        const std::size_t close = text.find(']', i);
        if (close == kNone) return kNone;
        i = close;
      }
      if ((text[i] == ':' || text[i] == '!') && depth == 1) {  // brackets mean nothing from here
        for (++i; i < text.size(); ++i) {
          if (text[i] == '{') ++depth;
          if (text[i] == '}' && --depth == 0) return i;
        }
      }
    }
    return kNone;
  }

  void append_field(TextBuilder& out, const MarkedText& format, std::size_t begin, std::size_t end,
                    int nesting) {
    const std::string_view field = std::string_view(format.text).substr(begin, end - begin);
    std::size_t name_end = 0;
    while (name_end < field.size() && field[name_end] != ':' && field[name_end] != '!') {
      if (field[name_end] == '[') name_end = std::min(field.find(']', name_end), field.size());
      if (name_end < field.size()) ++name_end;
    }
    std::size_t at = name_end;
    char conversion = '\0';
    if (at < field.size() && field[at] == '!') {
      if (at + 1 >= field.size()) runtime_.fail("format: a conversion is missing behind '!'");
      conversion = field[at + 1];
      at += 2;
      if (at < field.size() && field[at] != ':')
        runtime_.fail("format: expected ':' behind '!{}'", conversion);
    }
    Value value = find_value(field.substr(0, name_end));
    MarkedText spec;
    if (at < field.size()) {
      TextBuilder part(runtime_);
      part.append(format, begin + at + 1, end);
      spec = run(part.take(), nesting - 1);
    }
    if (conversion != '\0') value = converted(value, conversion);
    append_formatted(out, runtime_, value, spec.text, !spec.user_ranges.empty());
  }

  Value converted(const Value& value, char conversion) {
    TextBuilder text(runtime_);
    if (conversion == 's') {
      append_str(text, runtime_, value);
    } else if (conversion == 'r') {
      append_repr(text, runtime_, value);
    } else if (conversion == 'a') {
      append_ascii(text, runtime_, value);
    } else {
      runtime_.fail("format: unknown conversion '{}'", conversion);
    }
    return runtime_.string(text.take());
  }

  // "", "0", "name", with ".attribute" and "[key]" behind.
  Value find_value(std::string_view path) {
    const std::size_t end = std::min(path.find_first_of(".["), path.size());
    const std::string_view first = path.substr(0, end);
    Value value = find_argument(first, path.empty());
    for (std::size_t at = end; at < path.size();) {
      if (path[at] == '[') {
        const std::size_t close = path.find(']', at);
        const std::string_view key = path.substr(at + 1, close == kNone ? 0 : close - at - 1);
        if (key.empty()) runtime_.fail("format: an empty key in '{}'", path);
        value = get_item(
            runtime_, value,
            is_number(key) ? make_integer(std::stol(std::string(key))) : runtime_.text(key));
        at = close + 1;
        const bool goes_on = at == path.size() || path[at] == '.' || path[at] == '[';
        if (!goes_on) runtime_.fail("format: expected '.' or '[' behind ']' in '{}'", path);
        continue;
      }
      const std::size_t next = std::min(path.find_first_of(".[", at + 1), path.size());
      const std::string_view name = path.substr(at + 1, next - at - 1);
      if (name.empty()) runtime_.fail("format: an empty attribute in '{}'", path);
      value = get_attribute(runtime_, value, name);
      at = next;
    }
    return value;
  }

  const Value& find_argument(std::string_view name, bool is_next) {
    std::size_t index = n_taken_;
    if (is_next) {
      if (has_numbers_) runtime_.fail("format: fields with numbers and without");
      ++n_taken_;
    } else if (is_number(name)) {
      if (n_taken_ > 0) runtime_.fail("format: fields with numbers and without");
      has_numbers_ = true;
      index = static_cast<std::size_t>(std::stoul(std::string(name)));
    } else {
      for (const auto& [key, value] : args_.named) {
        if (key == name) return value;
      }
      runtime_.fail("format: there is no argument '{}'", name);
    }
    if (index >= args_.positional.size()) {
      runtime_.fail("format: there is no argument {}", index);
    }
    return args_.positional[index];
  }

  Runtime& runtime_;
  const CallArgs& args_;
  std::size_t n_taken_ = 0;
  bool has_numbers_ = false;
};

}  // namespace

MarkedText format_braces(Runtime& runtime, const MarkedText& format, const CallArgs& args) {
  return BracesFormatter(runtime, args).run(format);
}

}  // namespace tinyllm::jinja
