#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "grammar/expr_pool.h"
#include "grammar/gbnf_syntax.h"
#include "grammar/grammar_vocabulary.h"

namespace tinyllm {
namespace {

constexpr int kMaxGroups = 100;
constexpr std::uint32_t kMaxGbnfRepeat = 100000;

using Kind = GbnfNode::Kind;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

class GbnfParser {
 public:
  explicit GbnfParser(std::string_view text) : text_(text) {}

  GbnfRules parse() {
    if (!is_valid_utf8(text_)) refuse("the text is not UTF-8");
    skip_space(true);
    while (!at_end()) rule();
    GbnfRules result;
    for (const auto& [name, number] : numbers_) {
      if (!is_defined_[number]) refuse(fmt::format("rule {} is not defined", quote(name)));
    }
    const auto root = numbers_.find("root");
    if (root == numbers_.end()) refuse("there is no rule 'root'");
    result.root = root->second;
    result.rules = std::move(rules_);
    return result;
  }

 private:
  [[noreturn]] void refuse(const std::string& what,
                           ErrorCode code = ErrorCode::invalid_input) const {
    const auto line =
        1 + std::count(text_.begin(), text_.begin() + std::min(at_, text_.size()), '\n');
    fail(code, "gbnf: line {}: {}", line, what);
  }

  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void skip_space(bool over_lines) {
    while (!at_end()) {
      const char c = peek();
      if (c == '#') {
        while (!at_end() && peek() != '\n' && peek() != '\r') ++at_;
      } else if (c == ' ' || c == '\t' || (over_lines && (c == '\n' || c == '\r'))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  std::string name() {
    const std::size_t begin = at_;
    while (is_name_character(peek())) ++at_;
    if (at_ == begin) refuse("a rule's name is missing");
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::uint32_t number_of(const std::string& name) {
    const auto [found, is_new] = numbers_.try_emplace(name, rules_.size());
    if (is_new) {
      rules_.emplace_back();
      is_defined_.push_back(false);
    }
    return found->second;
  }

  void rule() {
    const std::uint32_t number = number_of(name());
    skip_space(false);
    if (!take("::=")) refuse("'::=' is missing");
    if (is_defined_[number]) refuse("a rule is defined twice");
    skip_space(true);
    GbnfNode node = alternatives(0);
    rules_[number] = std::move(node);
    is_defined_[number] = true;
    if (!at_end() && peek() != '\n' && peek() != '\r') refuse("a rule does not end with its line");
    skip_space(true);
  }

  GbnfNode alternatives(int depth) {
    if (depth > kMaxGroups) refuse("groups are nested too deep");
    std::vector<GbnfNode> branches;
    branches.push_back(sequence(depth));
    while (take("|")) {
      skip_space(true);
      branches.push_back(sequence(depth));
    }
    if (branches.size() == 1) return std::move(branches[0]);
    GbnfNode node;
    node.kind = Kind::any_of;
    node.children = std::move(branches);
    return node;
  }

  GbnfNode sequence(int depth) {
    GbnfNode node;
    while (!at_end()) {
      const char c = peek();
      if (c == '*' || c == '+' || c == '?' || c == '{') {
        if (node.children.empty()) refuse("a repetition has nothing to repeat");
        repeat(node.children.back());
      } else if (!element(node, depth)) {
        break;
      }
      skip_space(depth > 0);
    }
    return node;
  }

  // False when no element begins here.
  bool element(GbnfNode& sequence, int depth) {
    GbnfNode node;
    if (take("\"")) {
      node.kind = Kind::text;
      while (!take("\"")) append_utf8(node.text, character());
    } else if (take("[")) {
      node.kind = Kind::set;
      node.set = bracket();
    } else if (take(".")) {
      node.kind = Kind::set;
      node.set = CodePointSet::all();
    } else if (take("(")) {
      skip_space(true);
      node.children.push_back(alternatives(depth + 1));
      if (!take(")")) refuse("a group is not closed");
    } else if (peek() == '<' || peek() == '!') {
      node.kind = Kind::text;
      node.text = token();
    } else if (is_name_character(peek())) {
      node.kind = Kind::rule;
      node.rule = number_of(name());
    } else {
      return false;
    }
    sequence.children.push_back(std::move(node));
    return true;
  }

  std::string token() {
    if (peek() == '!') refuse("all tokens but one cannot be enforced", ErrorCode::unsupported);
    if (!take("<[")) {
      refuse("a token is named by its id: <[151645]>", ErrorCode::unsupported);
    }
    const std::uint32_t id = number(0x7FFFFFFF);
    if (!take("]>")) refuse("a token is not closed by ']>'");
    return special_token_bytes(static_cast<TokenId>(id));
  }

  std::uint32_t number(std::uint32_t max) {
    if (peek() < '0' || peek() > '9') refuse("a number is missing");
    std::uint64_t value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = value * 10 + static_cast<std::uint64_t>(text_[at_++] - '0');
      if (value > max) refuse(fmt::format("a number is over {}", max));
    }
    return static_cast<std::uint32_t>(value);
  }

  void repeat(GbnfNode& last) {
    GbnfNode node;
    node.kind = Kind::repeat;
    node.max = kNoLimit;
    if (take("?")) {
      node.max = 1;
    } else if (take("+")) {
      node.min = 1;
    } else if (!take("*")) {
      take("{");
      skip_space(false);
      node.min = peek() == ',' ? 0 : number(kMaxGbnfRepeat);
      skip_space(false);
      node.max = node.min;
      if (take(",")) {
        skip_space(false);
        node.max = peek() == '}' ? kNoLimit : number(kMaxGbnfRepeat);
        skip_space(false);
      }
      if (!take("}")) refuse("a '{' is not closed");
      if (node.max < node.min) refuse("a repetition's bounds are out of order");
    }
    node.children.push_back(std::move(last));
    last = std::move(node);
  }

  char32_t hex(int n_digits) {
    char32_t value = 0;
    for (int i = 0; i < n_digits; ++i, ++at_) {
      const char c = peek();
      const bool is_digit = c >= '0' && c <= '9';
      if (!is_digit && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F')) {
        refuse("a hexadecimal digit is missing");
      }
      value = value * 16 + static_cast<char32_t>(is_digit ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (value > kLastCodePoint || (value >= 0xD800 && value < 0xE000)) refuse("is no character");
    return value;
  }

  char32_t character() {
    if (at_end()) refuse("the text ends inside a literal or a class");
    if (take("\\")) {
      const char c = peek();
      ++at_;
      switch (c) {
        case 'x': return hex(2);
        case 'u': return hex(4);
        case 'U': return hex(8);
        case 't': return '\t';
        case 'r': return '\r';
        case 'n': return '\n';
        case '\\':
        case '"':
        case '[':
        case ']':
        case '^':
        case '-': return static_cast<char32_t>(c);
        default: refuse("this escape is not known");
      }
    }
    const Utf8Char c = decode_utf8(text_.substr(at_));
    at_ += c.n_bytes;
    return c.code_point;
  }

  CodePointSet bracket() {
    const bool is_inverted = take("^");
    CodePointSet set;
    while (!take("]")) {
      const char32_t first = character();
      char32_t last = first;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        last = character();
        if (last < first) refuse("a range is out of order");
      }
      set.add(first, last);
    }
    return is_inverted ? set.inverted() : set;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<GbnfNode> rules_;
  std::vector<bool> is_defined_;
  std::map<std::string, std::uint32_t> numbers_;
};

}  // namespace

GbnfRules parse_gbnf(const std::string& text) { return GbnfParser(text).parse(); }

}  // namespace tinyllm
