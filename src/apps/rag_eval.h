#pragma once
// `tinyllm rag eval`: how often search finds the passage that a question is about, by words, by
// meaning, by both, and in the order of a reranker. Main thread only.

#include <string>

namespace tinyllm {

class FolderIndex;

// questions_file: lines {"question": "...", "path": "engine.md", "passage": "words"}. A chunk is
// right when it is of that document and holds the passage; white space does not matter. reranker: a
// model's name; "": none. Writes a table, or one JSON object, to stdout. Throws Error{invalid_input} that names the line of a
// question whose passage no chunk holds.
void evaluate_search(const FolderIndex& folder, const std::string& questions_file,
                     const std::string& reranker, bool as_json);

}  // namespace tinyllm
