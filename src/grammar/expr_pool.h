#pragma once
// Regular expressions over bytes, with intersection and complement, matched by derivatives
// (Brzozowski 1964; Owens, Reppy, Turon 2009): the derivative of e by byte b is what must follow b.
// Equal expressions have equal ids, so a set of derivatives is a deterministic automaton whose
// states are made when they are first reached.
//
// Bounded: when the pool holds max_nodes expressions or one is nested too deep, it answers kNothing
// and overflowed() stays true; whoever asks refuses the grammar, or ends the request. One thread.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grammar/byte_set.h"

namespace tinyllm {

using ExprId = std::uint32_t;

inline constexpr ExprId kNothing = 0;    // matches no text
inline constexpr ExprId kEmptyText = 1;  // matches the empty text
inline constexpr ExprId kAnyText = 2;    // matches every text
inline constexpr std::uint32_t kNoLimit = 0xFFFFFFFF;

// Tokens of more bytes are looked at one by one, see ExprPool::short_key.
inline constexpr std::uint32_t kShortTokenBytes = 24;

enum class ExprKind : std::uint8_t {
  nothing,
  empty_text,
  bytes,       // one byte of a set
  concat,      // a, then b
  any_of,      // union of operands
  all_of,      // intersection of operands
  complement,  // not a
  repeat,      // a, min to max times
  remainder,   // a decimal number that is a multiple: see Remainder
};

// Digits with at most one point, read so far with the remainder `value` of the division by
// `divisor`, in units of 10^-n_decimals. In words: the rest makes value * 10^k + rest divisible.
struct Remainder {
  std::uint32_t divisor = 1;
  std::uint32_t value = 0;
  std::uint8_t n_decimals = 0;  // digits behind the point that count; later ones must be 0
  std::uint8_t n_read = 255;    // digits read behind the point; 255: the point is to come

  friend bool operator==(const Remainder&, const Remainder&) = default;
};

// The same for equal expressions of any pool: 128 bits, so that two never meet by chance.
struct ExprKey {
  std::uint64_t high = 0, low = 0;
  friend bool operator==(const ExprKey&, const ExprKey&) = default;
};

class ExprPool {
 public:
  explicit ExprPool(std::size_t max_nodes);

  ExprId bytes(const ByteSet& set);
  ExprId byte(std::uint8_t byte);
  ExprId text(std::string_view text);
  ExprId concat(ExprId a, ExprId b);
  ExprId concat(std::initializer_list<ExprId> parts);
  ExprId any_of(std::span<const ExprId> operands);
  ExprId any_of(std::initializer_list<ExprId> operands);
  ExprId all_of(std::span<const ExprId> operands);
  ExprId all_of(std::initializer_list<ExprId> operands);
  ExprId complement(ExprId a);
  ExprId repeat(ExprId a, std::uint32_t min, std::uint32_t max);
  ExprId optional(ExprId a) { return repeat(a, 0, 1); }
  ExprId remainder(const Remainder& remainder);

  bool accepts_empty(ExprId e) const { return nodes_[e].accepts_empty; }
  ExprId derivative(ExprId e, std::uint8_t byte);
  // The same texts but the empty one.
  ExprId without_empty(ExprId e);

  // Whether e has no operator that can make a text impossible by what follows: then every
  // derivative but kNothing matches something.
  bool is_plain(ExprId e) const { return nodes_[e].is_plain; }
  ExprKind kind(ExprId e) const { return nodes_[e].kind; }
  std::span<const ExprId> operands(ExprId e) const;  // of every kind that has some
  std::uint32_t min(ExprId e) const { return nodes_[e].min; }

  ExprKey key(ExprId e) const { return nodes_[e].key; }
  // Equal for expressions that agree on the next kShortTokenBytes bytes: counts above are no limit.
  ExprKey short_key(ExprId e) const { return nodes_[e].short_key; }

  // The sets of bytes that stand in e, distinct.
  std::vector<ByteSet> byte_sets(ExprId e) const;

  std::size_t n_nodes() const { return nodes_.size(); }
  bool overflowed() const { return overflowed_; }
  void set_overflowed() { overflowed_ = true; }  // whoever walks it found it too complex
  void set_max_nodes(std::size_t max_nodes) { max_nodes_ = max_nodes; }
  // Operands looked at while expressions were made, so far: what time it took. Over the limit, the
  // pool counts as full.
  std::uint64_t n_work() const { return n_work_; }
  void set_max_work(std::uint64_t max_work) { max_work_ = max_work; }

 private:
  struct Node {
    ExprKind kind = ExprKind::nothing;
    bool accepts_empty = false;
    bool is_plain = true;
    std::uint16_t depth = 0;         // how deep derivative() calls itself
    std::uint32_t begin = 0, n = 0;  // operands; or the index of the set or remainder
    std::uint32_t min = 0, max = 0;
    ExprKey key{}, short_key{};
  };
  struct CachedDerivative {
    ExprId e = 0;
    std::uint32_t byte = 256;
    ExprId result = 0;
  };

  ExprId intern(Node node, std::span<const ExprId> operands);
  bool is_same(const Node& a, std::span<const ExprId> operands, const Node& b) const;
  void finish(Node& node, std::span<const ExprId> operands) const;
  ExprId derive(ExprId e, std::uint8_t byte);
  ExprId derive_remainder(const Remainder& remainder, std::uint8_t byte);
  ExprId derive_operands(ExprId e, std::uint8_t byte);
  ExprId overflow();
  void flatten(ExprKind kind, std::span<const ExprId> operands, std::vector<ExprId>& out) const;

  std::size_t max_nodes_;
  std::uint64_t n_work_ = 0, max_work_ = ~std::uint64_t{0};
  bool overflowed_ = false;
  std::vector<Node> nodes_;
  std::vector<ExprId> operands_;
  std::vector<ByteSet> sets_;
  std::vector<Remainder> remainders_;
  std::unordered_multimap<std::uint64_t, ExprId> ids_;  // by key.low
  std::vector<CachedDerivative> cache_;
};

}  // namespace tinyllm
