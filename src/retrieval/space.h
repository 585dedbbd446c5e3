#pragma once
// What stands between the words of a document that was read: readers leave no other blank character.

namespace tinyllm {

inline bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t'; }

}  // namespace tinyllm
