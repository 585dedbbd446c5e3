#pragma once
// An Earley parser (Earley 1970) whose rows do not know their position. A row says which rules are
// under way at a place of the text. Two places at which the same rules are under way share one row,
// so a list of a thousand elements needs no more rows than one of three, and going back is free:
// rows never change.
//
// An item carries where it returns to: the row that called its nonterminal, and that nonterminal.
// A symbol at the end of its rule returns to the caller of the rule at once, so right recursion is
// a loop and not a growing chain. One thread.

#include <compare>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "grammar/rule_set.h"

namespace tinyllm {

using RowId = std::uint32_t;
inline constexpr RowId kNoRow = 0xFFFFFFFF;

class EarleyRows {
 public:
  // Over `max_items` items in all, rows are refused: advance() answers kNoRow, and there is no first
  // row.
  EarleyRows(const RuleSet& rules, std::size_t max_items);

  RowId first_row() const { return 0; }
  // The row behind `scanned`: terminals that end at one place, each with the row it began at.
  RowId advance(std::span<const std::pair<RowId, std::uint32_t>> scanned);

  // Terminals that may come next, ascending.
  std::span<const std::uint32_t> terminals(RowId row) const {
    return {terminals_.data() + rows_[row].terminals_begin, rows_[row].n_terminals};
  }
  // Whether the text may end here.
  bool accepts(RowId row) const { return rows_[row].accepts; }

  std::uint64_t n_work() const { return n_work_; }  // items looked at to make rows
  std::size_t n_rows() const { return rows_.size(); }
  std::size_t n_bytes() const;

  // Forgets all rows but `kept` and those that they return to. Returns the new ids: [n_rows()],
  // kNoRow for what is gone.
  std::vector<RowId> keep(std::span<const RowId> kept);

 private:
  struct Item {
    std::uint32_t place;  // in a rule
    RowId caller;         // where the rule's end returns to: the row
    Symbol called;        // and the nonterminal that it called
    auto operator<=>(const Item&) const = default;
  };
  struct Row {
    std::uint32_t begin = 0, n = 0;  // items that wait for a symbol, ascending by symbol
    std::uint32_t terminals_begin = 0, n_terminals = 0;
    std::uint32_t kernel_begin = 0, n_kernel = 0;
    bool accepts = false;
  };
  struct ItemHash {
    std::size_t operator()(const Item& item) const;
  };

  RowId find_or_make(std::vector<Item> kernel);
  void close(RowId self, const std::vector<Item>& kernel);
  void add(const Item& item);
  void process(RowId self, const Item& item);
  void call(Symbol nonterminal, RowId caller, Symbol called);
  void finish_rule(RowId self, const Item& item);
  std::span<const Item> waiting_for(RowId row, Symbol symbol) const;
  void store(const std::vector<Item>& kernel);

  const RuleSet& rules_;
  std::size_t max_items_;
  std::vector<Row> rows_;
  std::vector<Item> items_, kernels_;
  std::vector<std::uint32_t> terminals_;
  std::unordered_multimap<std::size_t, RowId> ids_;  // by hash of the kernel

  // Of the row that is being made.
  std::vector<Item> found_, waiting_;
  std::vector<std::uint32_t> table_;  // hash table of indices into found_, + 1
  bool accepts_ = false;
  std::uint64_t n_work_ = 0;
};

}  // namespace tinyllm
