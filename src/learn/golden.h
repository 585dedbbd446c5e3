#pragma once
// A task's golden.json: its recorded cases with what a float64 oracle answers; and mutants.json: what
// each known mistake answers. Any thread.

#include <map>
#include <string>
#include <vector>

#include "learn/lesson_case.h"
#include "learn/manifest.h"

namespace tinyllm::learn {

enum class AnswerKind {
  numbers,  // an array
  text,     // characters: what a parser found, a text that was put together
  trace,    // one line for each call, in their order: what a cache or a loop did
};

struct Wanted {
  std::string name;
  AnswerKind kind = AnswerKind::numbers;
  // Of numbers.
  std::vector<std::int64_t> shape = {};
  std::vector<std::string> axes = {};  // what each index counts: "token", "head", "i"
  std::vector<double> values = {};     // row-major
  std::vector<double> tolerance = {};  // of each value; derived in the script that made them
  // Of a text or a trace: exactly this.
  std::string text = {};
  std::vector<std::string> calls = {};  // of a trace, one for each line
};

struct GoldenCase {
  Case given;
  std::vector<Wanted> wanted;
  std::string shown;  // the inputs in a few words: "x = [3 4], weight = [1 1], eps = 1e-06"
};

// From small to large: the first that fails is the smallest.
std::vector<GoldenCase> read_golden(const std::filesystem::path& path);

using AnswersByName = std::map<std::string, Answer>;
using CaseAnswers = std::map<std::string, AnswersByName>;  // by case
std::map<std::string, CaseAnswers> read_recorded_mutants(const Task& task);
void write_recorded_mutants(const Task& task, const std::map<std::string, CaseAnswers>& recorded);

// Numbers as text that keeps NaN and infinities: "0.5 nan -inf". 17 digits give a double back
// exactly, 9 a float.
std::string join_numbers(const std::vector<double>& values, int n_digits = 17);
std::vector<double> split_numbers(const std::string& text);

// An answer as one string, and back: numbers as join_numbers writes them, a text behind a "|".
std::string join_answer(const Answer& answer);
Answer split_answer(const std::string& text);

// The first value that is further from the wanted one than its tolerance, or the first character of
// a text that is another; -1: all are right.
std::int64_t first_wrong(const Wanted& wanted, const Answer& got);

// A task's pins.json holds the SHA-256 of both files, as `learn record` saw them.
void pin_golden(const Task& task);
// The task's file that is not as it was recorded ("golden.json"), or "".
std::string unpinned_golden(const Task& task);

}  // namespace tinyllm::learn
