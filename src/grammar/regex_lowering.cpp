#include "grammar/regex_lowering.h"

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxSequences = 256;

using RegexKind = RegexNode::Kind;
using Sequence = std::vector<const RegexNode*>;

bool has_assertion(const RegexNode& node) {
  if (node.kind == RegexKind::begin || node.kind == RegexKind::end ||
      node.kind == RegexKind::look_ahead || node.kind == RegexKind::not_look_ahead) {
    return true;
  }
  return std::ranges::any_of(node.children, has_assertion);
}

class Lowering {
 public:
  Lowering(CharEncoder& encoder, const std::string& source)
      : encoder_(encoder), pool_(encoder.pool()), source_(source) {}

  // `node` with what may stand around it.
  ExprId resolve(const RegexNode& node, ExprId before, ExprId after) {
    std::vector<Sequence> sequences = {{}};
    expand(node, sequences);
    std::vector<ExprId> parts;
    parts.reserve(sequences.size());
    for (const Sequence& sequence : sequences) parts.push_back(lower(sequence, before, after));
    return pool_.any_of(parts);
  }

  ExprId anything() { return pool_.repeat(encoder_.any(), 0, kNoLimit); }

 private:
  // Appends `node` to every sequence. Alternatives that hold assertions multiply the sequences.
  void expand(const RegexNode& node, std::vector<Sequence>& sequences) {
    const bool is_flat = node.kind == RegexKind::concat || node.kind == RegexKind::any_of;
    const bool is_optional = node.kind == RegexKind::repeat && node.min <= 1 && node.max == 1;
    if (!has_assertion(node) || (!is_flat && !is_optional)) {
      if (node.kind == RegexKind::repeat && has_assertion(node)) {
        fail(ErrorCode::unsupported, "{}: an anchor stands inside a repetition", source_);
      }
      for (Sequence& sequence : sequences) sequence.push_back(&node);
      return;
    }
    if (node.kind == RegexKind::concat) {
      for (const RegexNode& child : node.children) expand(child, sequences);
      return;
    }
    std::vector<Sequence> result;
    if (is_optional && node.min == 0) result = sequences;
    for (const RegexNode& child : node.children) {
      std::vector<Sequence> branch = sequences;
      expand(child, branch);
      result.insert(result.end(), branch.begin(), branch.end());
      if (result.size() > kMaxSequences) {
        fail(ErrorCode::unsupported, "{}: too many alternatives hold an anchor", source_);
      }
    }
    sequences = std::move(result);
  }

  // From the right: `rest` matches all that follows, to the end of the text.
  ExprId lower(const Sequence& sequence, ExprId before, ExprId after) {
    ExprId rest = after;
    for (std::size_t i = sequence.size(); i-- > 0;) {
      const RegexNode& node = *sequence[i];
      if (node.kind == RegexKind::begin)
        return is_empty_before(sequence, i) ? at_begin(sequence, i, rest) : kNothing;
      if (node.kind == RegexKind::end) {
        rest = pool_.accepts_empty(rest) ? kEmptyText : kNothing;
      } else if (node.kind == RegexKind::look_ahead) {
        rest = pool_.all_of({rest, ahead(node)});
      } else if (node.kind == RegexKind::not_look_ahead) {
        rest = pool_.all_of({rest, pool_.complement(ahead(node))});
      } else {
        rest = pool_.concat(plain(node), rest);
      }
    }
    return pool_.concat(before, rest);
  }

  ExprId ahead(const RegexNode& node) { return resolve(node.children[0], kEmptyText, anything()); }

  // Whether all before `end` can match the empty text.
  bool is_empty_before(const Sequence& sequence, std::size_t end) {
    for (std::size_t i = 0; i < end; ++i) {
      const bool is_assertion = has_assertion(*sequence[i]);
      if (!is_assertion && !pool_.accepts_empty(plain(*sequence[i]))) return false;
    }
    return true;
  }

  // What stands before ^ matches nothing; its look-aheads see what ^ sees.
  ExprId at_begin(const Sequence& sequence, std::size_t begin, ExprId rest) {
    for (std::size_t i = 0; i < begin; ++i) {
      const RegexNode& node = *sequence[i];
      if (node.kind == RegexKind::end) rest = pool_.accepts_empty(rest) ? kEmptyText : kNothing;
      if (node.kind == RegexKind::look_ahead) rest = pool_.all_of({rest, ahead(node)});
      if (node.kind == RegexKind::not_look_ahead) {
        rest = pool_.all_of({rest, pool_.complement(ahead(node))});
      }
    }
    return rest;
  }

  // A node without assertions.
  ExprId plain(const RegexNode& node) {
    switch (node.kind) {
      case RegexKind::set: return encoder_.one_of(node.set);
      case RegexKind::repeat: return pool_.repeat(plain(node.children[0]), node.min, node.max);
      case RegexKind::any_of: {
        std::vector<ExprId> parts;
        for (const RegexNode& child : node.children) parts.push_back(plain(child));
        return pool_.any_of(parts);
      }
      case RegexKind::concat: {
        std::vector<ExprId> parts;
        for (const RegexNode& child : node.children) parts.push_back(plain(child));
        ExprId result = kEmptyText;
        for (std::size_t i = parts.size(); i-- > 0;) result = pool_.concat(parts[i], result);
        return result;
      }
      default: return kEmptyText;
    }
  }

  CharEncoder& encoder_;
  ExprPool& pool_;
  const std::string& source_;
};

}  // namespace

ExprId lower_regex(CharEncoder& encoder, const RegexNode& node, RegexScope scope,
                   const std::string& source) {
  Lowering lowering(encoder, source);
  const ExprId around = scope == RegexScope::search ? lowering.anything() : kEmptyText;
  return lowering.resolve(node, around, around);
}

}  // namespace tinyllm
