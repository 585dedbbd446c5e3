#pragma once
// For those who write the course: proof that its own tests are worth something. One thread.
//
// G1: every skeleton compiles without a warning.
//
// G2: every test of a task is red on its skeleton because of NotYet{its id}, for no other reason.
//
// G3: the solution passes every test, also under ASan and UBSan.
//
// G4: with the first k solutions and skeletons for the rest, test k passes and k + 1 is red; with all
// solutions, all pass. One link for each k, in which G1 and G2 of task k + 1 are looked at as well.
//
// G5: every mutant is killed, `explain` names it, and its recorded answers are those of today.
//
// G9: a small Qwen2 gives the engine's logits with every solution alone and with all together, and
// SmolLM2 says the same tokens with all of them.
//
// G12: another correct implementation passes every test.
//
// The gates between these are about lesson pages and the tool: tests/course_all/ holds them.

#include <map>
#include <string>
#include <vector>

#include "learn/manifest.h"

namespace tinyllm::learn {

// Texts that stand in for the course's own, by task: how the gates are shown to fail.
struct PlantedTexts {
  std::map<std::string, std::string> skeletons, solutions;
};

struct GateChoice {
  std::string task;                // "": all
  std::vector<std::string> gates;  // "G3"; empty: all
  std::string mutant;              // of that task, for G5; "": all
};

// Prints one line per finding, and the table of G5 in full. Returns the number of broken gates.
// The choice of one task leaves out the gates that need all tasks together. Throws Error{usage} for a
// mutant that the task does not have.
int run_gates(const CoursePaths& paths, const PlantedTexts& planted, const GateChoice& choice);

}  // namespace tinyllm::learn
