#include "grammar/earley_rows.h"

#include <algorithm>

namespace tinyllm {
namespace {

constexpr RowId kRootCaller = 0xFFFFFFFE;
// In place of a place: "this nonterminal was called with this return", "this return was taken".
constexpr std::uint32_t kCallBit = 0x80000000;
constexpr std::uint32_t kReturned = 0xFFFFFFFF;

std::size_t mix(std::size_t hash, std::size_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15ULL;
  return hash ^ (hash >> 29);
}

}  // namespace

std::size_t EarleyRows::ItemHash::operator()(const Item& item) const {
  return mix(mix(item.place, item.caller), item.called);
}

EarleyRows::EarleyRows(const RuleSet& rules, std::size_t max_items)
    : rules_(rules), max_items_(max_items), table_(64) {
  std::vector<Item> kernel;
  for (const std::uint32_t place : rules_.rules_of(rules_.root())) {
    kernel.push_back({place, kRootCaller, rules_.root()});
  }
  find_or_make(std::move(kernel));
}

RowId EarleyRows::advance(std::span<const std::pair<RowId, std::uint32_t>> scanned) {
  std::vector<Item> kernel;
  for (const auto& [row, terminal] : scanned) {
    for (const Item& item : waiting_for(row, terminal | kTerminalBit)) {
      kernel.push_back({item.place + 1, item.caller, item.called});
    }
  }
  return find_or_make(std::move(kernel));
}

RowId EarleyRows::find_or_make(std::vector<Item> kernel) {
  n_work_ += 1 + kernel.size();
  std::ranges::sort(kernel);
  kernel.erase(std::unique(kernel.begin(), kernel.end()), kernel.end());
  std::size_t hash = kernel.size();
  for (const Item& item : kernel) hash = mix(hash, ItemHash()(item));
  const auto [first, last] = ids_.equal_range(hash);
  for (auto found = first; found != last; ++found) {
    const Row& row = rows_[found->second];
    const auto begin = kernels_.begin() + row.kernel_begin;
    if (std::equal(kernel.begin(), kernel.end(), begin, begin + row.n_kernel)) {
      return found->second;
    }
  }
  if (items_.size() + kernels_.size() + rows_.size() > max_items_) return kNoRow;
  const auto self = static_cast<RowId>(rows_.size());
  close(self, kernel);
  if (found_.size() > max_items_) return kNoRow;
  store(kernel);
  ids_.emplace(hash, self);
  return self;
}

void EarleyRows::close(RowId self, const std::vector<Item>& kernel) {
  found_.clear();
  waiting_.clear();
  std::ranges::fill(table_, 0);
  accepts_ = false;
  for (const Item& item : kernel) add(item);
  for (std::size_t i = 0; i < found_.size() && found_.size() <= max_items_; ++i) {
    process(self, Item(found_[i]));
  }
  n_work_ += found_.size();
}

// Adds what is new to found_, through an open hash table.
void EarleyRows::add(const Item& item) {
  if (found_.size() * 2 >= table_.size()) {
    table_.assign(table_.size() * 2, 0);
    for (std::size_t i = 0; i < found_.size(); ++i) {
      std::size_t slot = ItemHash()(found_[i]) & (table_.size() - 1);
      while (table_[slot] != 0) slot = (slot + 1) & (table_.size() - 1);
      table_[slot] = static_cast<std::uint32_t>(i + 1);
    }
  }
  std::size_t slot = ItemHash()(item) & (table_.size() - 1);
  while (table_[slot] != 0) {
    if (found_[table_[slot] - 1] == item) return;
    slot = (slot + 1) & (table_.size() - 1);
  }
  found_.push_back(item);
  table_[slot] = static_cast<std::uint32_t>(found_.size());
}

void EarleyRows::process(RowId self, const Item& item) {
  if (item.place == kReturned) {
    for (const Item& waiting : waiting_for(item.caller, item.called)) {
      add({waiting.place + 1, waiting.caller, waiting.called});
    }
    return;
  }
  if ((item.place & kCallBit) != 0) {
    for (const std::uint32_t place : rules_.rules_of(item.place & ~kCallBit)) {
      add({place, item.caller, item.called});
    }
    return;
  }
  const Symbol symbol = rules_.symbol_at(item.place);
  if (symbol == kRuleEnd) {
    finish_rule(self, item);
  } else if (is_terminal(symbol)) {
    waiting_.push_back(item);
  } else {
    if (rules_.matches_empty(symbol)) add({item.place + 1, item.caller, item.called});
    if (rules_.symbol_at(item.place + 1) == kRuleEnd) {
      call(symbol, item.caller, item.called);
    } else {
      waiting_.push_back(item);
      call(symbol, self, symbol);
    }
  }
}

void EarleyRows::call(Symbol nonterminal, RowId caller, Symbol called) {
  add({nonterminal | kCallBit, caller, called});
}

// A rule that ends in the row it was called from matched nothing: process() has stepped over it.
void EarleyRows::finish_rule(RowId self, const Item& item) {
  if (item.caller == kRootCaller) {
    accepts_ = true;
  } else if (item.caller != self) {
    add({kReturned, item.caller, item.called});
  }
}

std::span<const EarleyRows::Item> EarleyRows::waiting_for(RowId row, Symbol symbol) const {
  const auto begin = items_.begin() + rows_[row].begin;
  const auto range =
      std::ranges::equal_range(begin, begin + rows_[row].n, symbol, {},
                               [this](const Item& item) { return rules_.symbol_at(item.place); });
  return {range.begin(), range.end()};
}

void EarleyRows::store(const std::vector<Item>& kernel) {
  std::ranges::sort(waiting_, {}, [this](const Item& item) {
    return std::pair(rules_.symbol_at(item.place), item);
  });
  Row row;
  row.begin = static_cast<std::uint32_t>(items_.size());
  row.n = static_cast<std::uint32_t>(waiting_.size());
  row.kernel_begin = static_cast<std::uint32_t>(kernels_.size());
  row.n_kernel = static_cast<std::uint32_t>(kernel.size());
  row.terminals_begin = static_cast<std::uint32_t>(terminals_.size());
  row.accepts = accepts_;
  for (const Item& item : waiting_) {
    const Symbol symbol = rules_.symbol_at(item.place);
    if (!is_terminal(symbol)) continue;
    const bool is_new =
        terminals_.size() == row.terminals_begin || terminals_.back() != terminal_of(symbol);
    if (is_new) terminals_.push_back(terminal_of(symbol));
  }
  row.n_terminals = static_cast<std::uint32_t>(terminals_.size()) - row.terminals_begin;
  items_.insert(items_.end(), waiting_.begin(), waiting_.end());
  kernels_.insert(kernels_.end(), kernel.begin(), kernel.end());
  rows_.push_back(row);
}

std::size_t EarleyRows::n_bytes() const {
  return (items_.size() + kernels_.size()) * sizeof(Item) + rows_.size() * (sizeof(Row) + 64) +
         terminals_.size() * sizeof(std::uint32_t);
}

std::vector<RowId> EarleyRows::keep(std::span<const RowId> kept) {
  std::vector<bool> is_kept(rows_.size(), false);
  is_kept[0] = true;
  for (const RowId row : kept) is_kept[row] = true;
  // A row returns to rows that were there before it.
  for (std::size_t row = rows_.size(); row-- > 0;) {
    if (!is_kept[row]) continue;
    for (std::uint32_t i = 0; i < rows_[row].n_kernel; ++i) {
      const RowId caller = kernels_[rows_[row].kernel_begin + i].caller;
      if (caller != kRootCaller) is_kept[caller] = true;
    }
  }
  std::vector<RowId> new_ids(rows_.size(), kNoRow);
  EarleyRows fresh(rules_, kRootCaller);
  new_ids[0] = 0;
  for (std::size_t row = 1; row < rows_.size(); ++row) {
    if (!is_kept[row]) continue;
    const auto begin = kernels_.begin() + rows_[row].kernel_begin;
    std::vector<Item> kernel(begin, begin + rows_[row].n_kernel);
    for (Item& item : kernel) {
      if (item.caller != kRootCaller) item.caller = new_ids[item.caller];
    }
    new_ids[row] = fresh.find_or_make(std::move(kernel));
  }
  rows_ = std::move(fresh.rows_);
  items_ = std::move(fresh.items_);
  kernels_ = std::move(fresh.kernels_);
  terminals_ = std::move(fresh.terminals_);
  ids_ = std::move(fresh.ids_);
  return new_ids;
}

}  // namespace tinyllm
