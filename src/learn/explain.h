#pragma once
// From wrong numbers to words: which value is the first wrong one, by the names of its indices, and
// which known mistake gives exactly these numbers. Any thread.

#include <string>

#include "learn/golden.h"
#include "learn/manifest.h"

namespace tinyllm::learn {

// "out[i=1] is 0.5773, must be 0.5766 (allowed: +- 7e-08)", with the rows around it below; of a text
// the line, of a trace the steps up to the first wrong one. `index`: what first_wrong gave.
std::string describe_wrong(const GoldenCase& golden, const Wanted& wanted, const Answer& got,
                           std::int64_t index);

// The id of the one recorded mistake whose answers equal these in every case (and differ from the
// right ones somewhere); "" when there is none.
std::string known_mistake(const std::vector<GoldenCase>& golden,
                          const std::map<std::string, CaseAnswers>& recorded,
                          const CaseAnswers& answers);

// Whether two implementations of one mistake gave the same:
// they may add in another order, so the tolerance is that of the right answer,
// or as large a part of their own value where that is larger.
// A text is the same when every character is.
bool same_answer(const Wanted& wanted, const Answer& a, const Answer& b);

}  // namespace tinyllm::learn
