#pragma once
// From wrong numbers to words: which value is the first wrong one, by the names of its indices, and
// which known mistake gives exactly these numbers. Any thread.

#include <string>

#include "learn/golden.h"
#include "learn/manifest.h"

namespace tinyllm::learn {

// "out[i=1] is 0.5773, must be 0.5766 (allowed: +- 7e-08)", with the rows around it below.
std::string describe_wrong(const GoldenCase& golden, const WantedArray& wanted,
                           const std::vector<double>& got, std::int64_t index);

// The id of the one recorded mistake whose answers equal these in every case (and differ from the
// right ones somewhere); "" when there is none.
std::string known_mistake(const std::vector<GoldenCase>& golden,
                          const std::map<std::string, CaseAnswers>& recorded,
                          const CaseAnswers& answers);

// Whether two implementations of one mistake gave the same:
// they may add in another order, so the tolerance is that of the right answer,
// or as large a part of their own value where that is larger.
bool same_answer(const WantedArray& wanted, const std::vector<double>& a,
                 const std::vector<double>& b);

}  // namespace tinyllm::learn
