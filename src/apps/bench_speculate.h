#pragma once
// bench --speculate: what drafts are worth on this machine, by kind of text.

#include <string>

#include "loader/context_settings.h"

namespace tinyllm {

struct BenchSpeculateCommand {
  std::string model;
  std::string draft_model;  // a name; empty: none
  ContextSettings context = {};
  int n_threads = 0;
  int n_gen = 128;
  int n_repeats = 3;
  bool as_json = false;
};

// Runs every text with and without drafts by turns and writes a table or a JSON object to stdout.
// Throws Error when the model cannot be run, or when a text differs.
void run_bench_speculate(const BenchSpeculateCommand& command);

}  // namespace tinyllm
