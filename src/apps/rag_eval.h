#pragma once
// `tinyllm rag eval`: how often search finds the passage that a question is about, by words, by
// meaning and by both. Main thread only.

#include <string>

namespace tinyllm {

class FolderIndex;

// questions: a file of lines {"question": "...", "path": "engine.md", "passage": "words"}. A chunk is
// right when it is of that document and holds the passage; white space does not matter. Writes a
// table, or one JSON object, to stdout. Throws Error{invalid_input} that names the line of a
// question whose passage no chunk holds.
void evaluate_search(const FolderIndex& folder, const std::string& questions, bool as_json);

}  // namespace tinyllm
