#include <optional>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "grammar/expr_pool.h"
#include "grammar/regex_syntax.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxPatternBytes = 1 << 16;
constexpr int kMaxNesting = 100;
constexpr std::uint32_t kMaxRepeat = 100000;

using RegexKind = RegexNode::Kind;

CodePointSet digits() { return {'0', '9'}; }

CodePointSet word_characters() {
  CodePointSet set('0', '9');
  set.add('A', 'Z');
  set.add('a', 'z');
  set.add('_', '_');
  return set;
}

// ECMA-262's WhiteSpace and LineTerminator.
CodePointSet white_space() {
  CodePointSet set(0x09, 0x0D);
  for (const char32_t c : {0x20, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF}) {
    set.add(c, c);
  }
  set.add(0x2000, 0x200A);
  return set;
}

CodePointSet any_but_line_end() {
  CodePointSet set(0x0A, 0x0A);
  set.add(0x0D, 0x0D);
  set.add(0x2028, 0x2029);
  return set.inverted();
}

RegexNode set_node(CodePointSet set) {
  RegexNode node;
  node.kind = RegexKind::set;
  node.set = std::move(set);
  return node;
}

class RegexParser {
 public:
  RegexParser(std::string_view pattern, const std::string& source)
      : text_(pattern), source_(source) {}

  RegexNode parse() {
    if (text_.size() > kMaxPatternBytes) {
      fail(ErrorCode::invalid_input, "{}: the pattern has {} bytes, must be at most {}", source_,
           text_.size(), kMaxPatternBytes);
    }
    if (!is_valid_utf8(text_)) refuse("is not UTF-8");
    RegexNode node = alternatives(0);
    if (at_ < text_.size()) refuse("a ')' closes no group");
    return node;
  }

 private:
  [[noreturn]] void refuse(std::string_view what, ErrorCode code = ErrorCode::invalid_input) const {
    fail(code, "{}: {}, at byte {} of the pattern", source_, what, at_);
  }
  [[noreturn]] void refuse_unsupported(std::string_view what) const {
    refuse(what, ErrorCode::unsupported);
  }

  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  char32_t take_code_point() {
    if (at_end()) refuse("ends too early");
    const Utf8Char c = decode_utf8(text_.substr(at_));
    at_ += c.n_bytes;
    return c.code_point;
  }

  RegexNode alternatives(int depth) {
    if (depth > kMaxNesting) refuse("groups are nested too deep");
    std::vector<RegexNode> branches;
    branches.push_back(sequence(depth));
    while (take("|")) branches.push_back(sequence(depth));
    if (branches.size() == 1) return std::move(branches[0]);
    RegexNode node;
    node.kind = RegexKind::any_of;
    node.children = std::move(branches);
    return node;
  }

  RegexNode sequence(int depth) {
    RegexNode node;
    node.kind = RegexKind::concat;
    while (!at_end() && peek() != '|' && peek() != ')') {
      node.children.push_back(quantified(atom(depth)));
    }
    return node;
  }

  RegexNode quantified(RegexNode node) {
    std::uint32_t min = 0, max = 0;
    if (!take_quantifier(min, max)) return node;
    if (node.kind != RegexKind::set && node.kind != RegexKind::concat &&
        node.kind != RegexKind::any_of && node.kind != RegexKind::repeat) {
      refuse("a quantifier stands behind an assertion");
    }
    take("?");  // lazy: the same texts match
    std::uint32_t ignored_min = 0, ignored_max = 0;
    const std::size_t before = at_;
    if (take_quantifier(ignored_min, ignored_max)) {
      at_ = before;
      refuse("a quantifier follows a quantifier");
    }
    RegexNode repeat;
    repeat.kind = RegexKind::repeat;
    repeat.min = min;
    repeat.max = max;
    repeat.children.push_back(std::move(node));
    return repeat;
  }

  bool take_quantifier(std::uint32_t& min, std::uint32_t& max) {
    if (take("*")) return min = 0, max = kNoLimit, true;
    if (take("+")) return min = 1, max = kNoLimit, true;
    if (take("?")) return min = 0, max = 1, true;
    if (peek() != '{') return false;
    const std::size_t before = at_++;
    const std::optional<std::uint32_t> first = number();
    if (!first) {
      at_ = before;
      return false;  // a brace that is text
    }
    min = max = *first;
    if (take(",")) max = peek() == '}' ? kNoLimit : number().value_or(0);
    if (!take("}")) refuse("a '{' of a repetition is not closed");
    if (max < min) refuse("a repetition's bounds are out of order");
    return true;
  }

  std::optional<std::uint32_t> number() {
    if (peek() < '0' || peek() > '9') return std::nullopt;
    std::uint32_t value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = value * 10 + static_cast<std::uint32_t>(text_[at_++] - '0');
      if (value > kMaxRepeat) refuse(fmt::format("a repetition counts over {}", kMaxRepeat));
    }
    return value;
  }

  RegexNode atom(int depth) {
    if (take("(")) return group(depth);
    if (take("[")) return set_node(bracket());
    if (take(".")) return set_node(any_but_line_end());
    RegexNode node;
    if (take("^")) {
      node.kind = RegexKind::begin;
      return node;
    }
    if (take("$")) {
      node.kind = RegexKind::end;
      return node;
    }
    if (take("\\")) return set_node(escape(false));
    const char c = peek();
    if (c == '*' || c == '+' || c == '?') refuse("a quantifier has nothing to repeat");
    const char32_t literal = take_code_point();
    return set_node({literal, literal});
  }

  RegexNode group(int depth) {
    RegexNode node;
    if (take("?=")) {
      node.kind = RegexKind::look_ahead;
    } else if (take("?!")) {
      node.kind = RegexKind::not_look_ahead;
    } else if (take("?<=") || take("?<!")) {
      refuse_unsupported("a look-behind cannot be enforced");
    } else if (take("?<") || take("?P<")) {
      while (!at_end() && peek() != '>') ++at_;
      if (!take(">")) refuse("the name of a group is not closed");
    } else if (!take("?:") && peek() == '?') {
      refuse_unsupported("this kind of group is not known");
    }
    RegexNode inner = alternatives(depth + 1);
    if (!take(")")) refuse("a group is not closed");
    if (node.kind == RegexKind::empty) {
      node.kind = RegexKind::concat;  // keeps "(a|b)c" and "a|bc" apart, whatever stands inside
    }
    node.children.push_back(std::move(inner));
    return node;
  }

  char32_t hex(int n_digits) {
    char32_t value = 0;
    for (int i = 0; i < n_digits; ++i) {
      const char c = peek();
      const bool is_digit = c >= '0' && c <= '9', is_low = c >= 'a' && c <= 'f';
      if (!is_digit && !is_low && !(c >= 'A' && c <= 'F')) refuse("a hexadecimal digit is missing");
      value = value * 16 + static_cast<char32_t>(is_digit ? c - '0' : (c | 0x20) - 'a' + 10);
      ++at_;
    }
    return value;
  }

  char32_t unicode_escape() {
    if (take("{")) {
      char32_t value = 0;
      int n_digits = 0;
      while (!take("}")) {
        value = value * 16 + hex(1);
        if (++n_digits > 8 || value > kLastCodePoint) refuse("is no code point");
      }
      return value;
    }
    const char32_t first = hex(4);
    if (first >= 0xD800 && first < 0xDC00 && take("\\u")) {
      const char32_t second = hex(4);
      if (second < 0xDC00 || second > 0xDFFF) refuse("is half of a surrogate pair");
      return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    }
    return first;
  }

  CodePointSet escape(bool in_bracket) {
    const char32_t c = take_code_point();
    switch (c) {
      case 'd': return digits();
      case 'D': return digits().inverted();
      case 'w': return word_characters();
      case 'W': return word_characters().inverted();
      case 's': return white_space();
      case 'S': return white_space().inverted();
      case 'n': return {'\n', '\n'};
      case 'r': return {'\r', '\r'};
      case 't': return {'\t', '\t'};
      case 'f': return {'\f', '\f'};
      case 'v': return {'\v', '\v'};
      case 'x': return single(hex(2));
      case 'u': return single(unicode_escape());
      case 'c': return control();
      default: break;
    }
    if (c == 'b' && in_bracket) return {'\b', '\b'};
    if (c == '0' && (peek() < '0' || peek() > '9')) return {0, 0};
    if (c == 'b' || c == 'B') refuse_unsupported("a word boundary cannot be enforced");
    if (c == 'p' || c == 'P') refuse_unsupported("Unicode properties are not known");
    if ((c >= '0' && c <= '9') || c == 'k') {
      refuse_unsupported("a back reference is not regular");
    }
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) refuse("this escape is not known");
    return single(c);
  }

  CodePointSet control() {
    const char32_t c = take_code_point() | 0x20;
    if (c < 'a' || c > 'z') refuse("a control escape needs a letter");
    return single(c - 'a' + 1);
  }

  static CodePointSet single(char32_t c) { return {c, c}; }

  CodePointSet bracket() {
    const bool is_inverted = take("^");
    CodePointSet set;
    while (!take("]")) {
      const CodePointSet first = bracket_atom();
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        const CodePointSet last = bracket_atom();
        set.add(range_end(first), range_end(last));
        if (range_end(first) > range_end(last)) refuse("a range is out of order");
      } else {
        set.add(first);
      }
    }
    return is_inverted ? set.inverted() : set;
  }

  CodePointSet bracket_atom() {
    if (take("\\")) return escape(true);
    return single(take_code_point());
  }

  char32_t range_end(const CodePointSet& set) const {
    const std::vector<CodePointRange>& ranges = set.ranges();
    if (ranges.size() != 1 || ranges[0].first != ranges[0].last) {
      refuse("a range ends with a class");
    }
    return ranges[0].first;
  }

  std::string_view text_;
  const std::string& source_;
  std::size_t at_ = 0;
};

}  // namespace

RegexNode parse_regex(std::string_view pattern, const std::string& source) {
  return RegexParser(pattern, source).parse();
}

}  // namespace tinyllm
