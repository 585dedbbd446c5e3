#include "grammar/expr_pool.h"

#include <algorithm>
#include <utility>

namespace tinyllm {
namespace {

constexpr std::uint16_t kMaxDepth = 1500;
constexpr std::size_t kCacheEntries = 4096;

std::uint64_t mix(std::uint64_t x) {  // splitmix64
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

void add(ExprKey& key, std::uint64_t value) {
  key.high = mix(key.high ^ value);
  key.low = mix(key.low + 0x2545F4914F6CDD1DULL * (value + 1));
}

void add(ExprKey& key, const ExprKey& other) {
  add(key, other.high);
  add(key, other.low);
}

// Of a union or intersection: the order of operands says nothing.
void add_unordered(ExprKey& sum, const ExprKey& other) {
  ExprKey one;
  add(one, other);
  sum.high += one.high;
  sum.low += one.low;
}

// Counts above kShortTokenBytes are all alike to a token of at most so many bytes.
std::uint32_t short_count(std::uint32_t count) {
  return count > kShortTokenBytes ? kNoLimit : count;
}

}  // namespace

ExprPool::ExprPool(std::size_t max_nodes) : max_nodes_(max_nodes), cache_(kCacheEntries) {
  intern({.kind = ExprKind::nothing}, {});
  intern({.kind = ExprKind::empty_text, .accepts_empty = true}, {});
  // bytes(all) follows kAnyText: it is its operand.
  sets_.push_back(ByteSet::all());
  const ExprId all = 3;
  Node any{.kind = ExprKind::repeat, .accepts_empty = true, .min = 0, .max = kNoLimit};
  any.n = 1;
  operands_.push_back(all);
  any.depth = 2;
  add(any.key, 0xA11);
  any.short_key = any.key;
  nodes_.push_back(any);
  ids_.emplace(any.key.low, kAnyText);
  intern({.kind = ExprKind::bytes, .begin = 0}, {});
}

std::span<const ExprId> ExprPool::operands(ExprId e) const {
  const Node& node = nodes_[e];
  if (node.kind == ExprKind::bytes || node.kind == ExprKind::remainder) return {};
  return {operands_.data() + node.begin, node.n};
}

ExprId ExprPool::overflow() {
  overflowed_ = true;
  return kNothing;
}

// Fills keys, depth and is_plain from the operands.
void ExprPool::finish(Node& node, std::span<const ExprId> operands) const {
  add(node.key, static_cast<std::uint64_t>(node.kind));
  node.is_plain = node.kind != ExprKind::all_of && node.kind != ExprKind::complement &&
                  node.kind != ExprKind::remainder;
  node.short_key = node.key;
  if (node.kind == ExprKind::bytes) {
    for (const std::uint64_t word : sets_[node.begin].words) add(node.key, word);
    node.short_key = node.key;
  } else if (node.kind == ExprKind::remainder) {
    const Remainder& r = remainders_[node.begin];
    add(node.key, std::uint64_t{r.divisor} << 32 | r.value);
    add(node.key, std::uint64_t{r.n_decimals} << 8 | r.n_read);
    node.short_key = node.key;
  } else if (node.kind == ExprKind::repeat) {
    add(node.key, std::uint64_t{node.min} << 32 | node.max);
    add(node.short_key, std::uint64_t{short_count(node.min)} << 32 | short_count(node.max));
  }
  const bool is_set = node.kind == ExprKind::any_of || node.kind == ExprKind::all_of;
  ExprKey sum, short_sum;
  std::uint16_t depth = 0;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const Node& operand = nodes_[operands[i]];
    node.is_plain = node.is_plain && operand.is_plain;
    if (is_set) {
      add_unordered(sum, operand.key);
      add_unordered(short_sum, operand.short_key);
    } else {
      add(node.key, operand.key);
      add(node.short_key, operand.short_key);
    }
    const bool is_derived =
        node.kind != ExprKind::concat || i == 0 || nodes_[operands[0]].accepts_empty;
    if (is_derived) depth = std::max(depth, operand.depth);
  }
  if (is_set) {
    add(node.key, sum);
    add(node.short_key, short_sum);
  }
  // What follows decides whether such an expression can match, so nothing may be rounded.
  if (!node.is_plain) node.short_key = node.key;
  node.depth = depth + 1;
}

bool ExprPool::is_same(const Node& a, std::span<const ExprId> operands, const Node& b) const {
  if (a.kind != b.kind || a.min != b.min || a.max != b.max) return false;
  if (a.kind == ExprKind::bytes) return sets_[a.begin] == sets_[b.begin];
  if (a.kind == ExprKind::remainder) return remainders_[a.begin] == remainders_[b.begin];
  return std::equal(operands.begin(), operands.end(), operands_.begin() + b.begin,
                    operands_.begin() + b.begin + b.n);
}

ExprId ExprPool::intern(Node node, std::span<const ExprId> operands) {
  if (overflowed_) return kNothing;
  n_work_ += 1 + operands.size();
  if (n_work_ > max_work_) return overflow();
  finish(node, operands);
  const auto [first, last] = ids_.equal_range(node.key.low);
  for (auto found = first; found != last; ++found) {
    if (is_same(node, operands, nodes_[found->second])) {
      // bytes() and remainder() put what they look for at the end of their table.
      if (node.kind == ExprKind::bytes) sets_.pop_back();
      if (node.kind == ExprKind::remainder) remainders_.pop_back();
      return found->second;
    }
  }
  if (nodes_.size() >= max_nodes_ || operands_.size() >= 16 * max_nodes_ ||
      node.depth > kMaxDepth) {
    return overflow();
  }
  if (!operands.empty()) {
    node.begin = static_cast<std::uint32_t>(operands_.size());
    node.n = static_cast<std::uint32_t>(operands.size());
    const std::vector<ExprId> copy(operands.begin(), operands.end());  // may look into operands_
    operands_.insert(operands_.end(), copy.begin(), copy.end());
  }
  const auto id = static_cast<ExprId>(nodes_.size());
  nodes_.push_back(node);
  ids_.emplace(node.key.low, id);
  return id;
}

ExprId ExprPool::bytes(const ByteSet& set) {
  if (set.empty()) return kNothing;
  sets_.push_back(set);
  return intern({.kind = ExprKind::bytes, .begin = static_cast<std::uint32_t>(sets_.size() - 1)},
                {});
}

ExprId ExprPool::byte(std::uint8_t byte) {
  ByteSet set;
  set.insert(byte);
  return bytes(set);
}

ExprId ExprPool::text(std::string_view text) {
  ExprId result = kEmptyText;
  for (std::size_t i = text.size(); i-- > 0;) {
    result = concat(byte(static_cast<std::uint8_t>(text[i])), result);
  }
  return result;
}

ExprId ExprPool::concat(ExprId a, ExprId b) {
  if (a == kNothing || b == kNothing) return kNothing;
  if (b == kEmptyText) return a;
  std::vector<ExprId>
      heads;  // chains lean to the right, so that a derivative touches the head only
  while (nodes_[a].kind == ExprKind::concat) {
    heads.push_back(operands_[nodes_[a].begin]);
    a = operands_[nodes_[a].begin + 1];
  }
  if (a != kEmptyText) heads.push_back(a);
  for (std::size_t i = heads.size(); i-- > 0;) {
    const ExprId pair[] = {heads[i], b};
    const bool accepts_empty = nodes_[heads[i]].accepts_empty && nodes_[b].accepts_empty;
    b = intern({.kind = ExprKind::concat, .accepts_empty = accepts_empty}, pair);
  }
  return b;
}

ExprId ExprPool::concat(std::initializer_list<ExprId> parts) {
  ExprId result = kEmptyText;
  for (std::size_t i = parts.size(); i-- > 0;) result = concat(parts.begin()[i], result);
  return result;
}

void ExprPool::flatten(ExprKind kind, std::span<const ExprId> operands,
                       std::vector<ExprId>& out) const {
  for (const ExprId e : operands) {
    if (nodes_[e].kind == kind) {
      const std::span<const ExprId> inner = this->operands(e);
      out.insert(out.end(), inner.begin(), inner.end());
    } else {
      out.push_back(e);
    }
  }
}

ExprId ExprPool::any_of(std::span<const ExprId> operands) {
  std::vector<ExprId> parts;
  flatten(ExprKind::any_of, operands, parts);
  ByteSet single;
  bool has_empty = false, rest_accepts_empty = false;
  std::vector<ExprId> kept;
  for (const ExprId e : parts) {
    if (e == kAnyText) return kAnyText;
    if (e == kEmptyText) {
      has_empty = true;
    } else if (nodes_[e].kind == ExprKind::bytes) {
      single = single | sets_[nodes_[e].begin];
    } else if (e != kNothing) {
      kept.push_back(e);
      rest_accepts_empty = rest_accepts_empty || nodes_[e].accepts_empty;
    }
  }
  if (!single.empty()) kept.push_back(bytes(single));
  if (has_empty && !rest_accepts_empty) kept.push_back(kEmptyText);
  std::ranges::sort(kept);
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  if (kept.empty()) return has_empty ? kEmptyText : kNothing;
  if (kept.size() == 1) return kept[0];
  return intern({.kind = ExprKind::any_of, .accepts_empty = has_empty || rest_accepts_empty}, kept);
}

ExprId ExprPool::any_of(std::initializer_list<ExprId> operands) {
  return any_of(std::span<const ExprId>(operands.begin(), operands.size()));
}

ExprId ExprPool::all_of(std::span<const ExprId> operands) {
  std::vector<ExprId> parts;
  flatten(ExprKind::all_of, operands, parts);
  ByteSet single = ByteSet::all();
  bool has_single = false, accepts_empty = true;
  std::vector<ExprId> kept;
  for (const ExprId e : parts) {
    if (e == kNothing) return kNothing;
    accepts_empty = accepts_empty && nodes_[e].accepts_empty;
    if (nodes_[e].kind == ExprKind::bytes) {
      single = single & sets_[nodes_[e].begin];
      has_single = true;
    } else if (e != kAnyText) {
      kept.push_back(e);
    }
  }
  if (std::ranges::find(kept, kEmptyText) != kept.end()) {
    return accepts_empty ? kEmptyText : kNothing;
  }
  if (has_single) kept.push_back(bytes(single));
  std::ranges::sort(kept);
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  if (kept.empty()) return kAnyText;
  if (kept[0] == kNothing) return kNothing;
  if (kept.size() == 1) return kept[0];
  return intern({.kind = ExprKind::all_of, .accepts_empty = accepts_empty}, kept);
}

ExprId ExprPool::all_of(std::initializer_list<ExprId> operands) {
  return all_of(std::span<const ExprId>(operands.begin(), operands.size()));
}

ExprId ExprPool::complement(ExprId a) {
  if (a == kNothing) return kAnyText;
  if (a == kAnyText) return kNothing;
  if (nodes_[a].kind == ExprKind::complement) return operands_[nodes_[a].begin];
  return intern({.kind = ExprKind::complement, .accepts_empty = !nodes_[a].accepts_empty}, {{a}});
}

ExprId ExprPool::repeat(ExprId a, std::uint32_t min, std::uint32_t max) {
  if (max == 0 || a == kEmptyText) return kEmptyText;
  if (a == kNothing) return min == 0 ? kEmptyText : kNothing;
  if (a == kAnyText) return kAnyText;
  if (nodes_[a].accepts_empty) min = 0;
  if (min == 1 && max == 1) return a;
  const Node& node = nodes_[a];
  if (node.kind == ExprKind::repeat && node.min == 0 && node.max == kNoLimit) return a;
  if (min == 0 && max == kNoLimit && node.kind == ExprKind::bytes &&
      sets_[node.begin] == ByteSet::all()) {
    return kAnyText;
  }
  return intern({.kind = ExprKind::repeat, .accepts_empty = min == 0, .min = min, .max = max},
                {{a}});
}

ExprId ExprPool::remainder(const Remainder& remainder) {
  // What is missing behind the point counts as zeros.
  std::uint64_t value = remainder.value;
  const int n_read = remainder.n_read == 255 ? 0 : remainder.n_read;
  for (int i = n_read; i < remainder.n_decimals; ++i) value = value * 10 % remainder.divisor;
  remainders_.push_back(remainder);
  return intern({.kind = ExprKind::remainder,
                 .accepts_empty = value % remainder.divisor == 0,
                 .begin = static_cast<std::uint32_t>(remainders_.size() - 1)},
                {});
}

ExprId ExprPool::derivative(ExprId e, std::uint8_t byte) {
  if (e <= kAnyText) return e == kAnyText ? kAnyText : kNothing;
  const Node& node = nodes_[e];
  if (node.kind == ExprKind::bytes) {
    return sets_[node.begin].contains(byte) ? kEmptyText : kNothing;
  }
  CachedDerivative& cached = cache_[(e * 31 + byte) % kCacheEntries];
  if (cached.e == e && cached.byte == byte) return cached.result;
  const ExprId result = derive(e, byte);
  cache_[(e * 31 + byte) % kCacheEntries] = {e, byte, result};
  return result;
}

ExprId ExprPool::derive(ExprId e, std::uint8_t byte) {
  const Node node = nodes_[e];
  switch (node.kind) {
    case ExprKind::concat: {
      const ExprId a = operands_[node.begin], b = operands_[node.begin + 1];
      const ExprId through_a = concat(derivative(a, byte), b);
      return accepts_empty(a) ? any_of({through_a, derivative(b, byte)}) : through_a;
    }
    case ExprKind::any_of:
    case ExprKind::all_of: return derive_operands(e, byte);
    case ExprKind::complement: return complement(derivative(operands_[node.begin], byte));
    case ExprKind::repeat: {
      const ExprId a = operands_[node.begin];
      const ExprId rest = repeat(a, node.min == 0 ? 0 : node.min - 1,
                                 node.max == kNoLimit ? kNoLimit : node.max - 1);
      return concat(derivative(a, byte), rest);
    }
    case ExprKind::remainder: return derive_remainder(remainders_[node.begin], byte);
    default: return kNothing;
  }
}

ExprId ExprPool::derive_operands(ExprId e, std::uint8_t byte) {
  const Node node = nodes_[e];
  std::vector<ExprId> derived;
  derived.reserve(node.n);
  for (std::uint32_t i = 0; i < node.n; ++i) {
    const ExprId d = derivative(operands_[node.begin + i], byte);
    if (d == kNothing && node.kind == ExprKind::all_of) return kNothing;
    if (d != kNothing) derived.push_back(d);
  }
  return node.kind == ExprKind::any_of ? any_of(derived) : all_of(derived);
}

ExprId ExprPool::derive_remainder(const Remainder& remainder, std::uint8_t byte) {
  Remainder next = remainder;
  if (byte == '.') {
    if (next.n_read != 255) return kNothing;
    next.n_read = 0;
    return this->remainder(next);
  }
  if (byte < '0' || byte > '9') return kNothing;
  if (next.n_read == next.n_decimals) return byte == '0' ? this->remainder(next) : kNothing;
  next.value =
      static_cast<std::uint32_t>((std::uint64_t{next.value} * 10 + (byte - '0')) % next.divisor);
  if (next.n_read != 255) ++next.n_read;
  return this->remainder(next);
}

ExprId ExprPool::without_empty(ExprId e) {
  if (!accepts_empty(e)) return e;
  const Node node = nodes_[e];
  switch (node.kind) {
    case ExprKind::concat: {
      const ExprId a = operands_[node.begin], b = operands_[node.begin + 1];
      return any_of({concat(without_empty(a), b), without_empty(b)});
    }
    case ExprKind::any_of: {
      std::vector<ExprId> parts;
      for (std::uint32_t i = 0; i < node.n; ++i) {
        parts.push_back(without_empty(operands_[node.begin + i]));
      }
      return any_of(parts);
    }
    case ExprKind::repeat: {
      const ExprId a = operands_[node.begin];
      return concat(without_empty(a), repeat(a, 0, node.max == kNoLimit ? kNoLimit : node.max - 1));
    }
    case ExprKind::empty_text: return kNothing;
    default: return all_of({e, complement(kEmptyText)});
  }
}

std::vector<ByteSet> ExprPool::byte_sets(ExprId e) const {
  std::vector<ByteSet> sets;
  std::vector<ExprId> waiting = {e};
  std::unordered_map<ExprId, bool> seen = {{e, true}};
  while (!waiting.empty()) {
    const ExprId id = waiting.back();
    waiting.pop_back();
    const Node& node = nodes_[id];
    if (node.kind == ExprKind::bytes) {
      sets.push_back(sets_[node.begin]);
    } else if (node.kind == ExprKind::remainder) {
      for (int byte = '0'; byte <= '9'; ++byte) sets.push_back(ByteSet::range(byte, byte));
      sets.push_back(ByteSet::range('.', '.'));
    }
    for (const ExprId operand : operands(id)) {
      if (seen.emplace(operand, true).second) waiting.push_back(operand);
    }
  }
  return sets;
}

}  // namespace tinyllm
