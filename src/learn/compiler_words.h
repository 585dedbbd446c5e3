#pragma once
// What a compiler said, cut down to what a learner needs: the errors in their own file, with the
// line of code and the mark below it, and one sentence of ours where we know the mistake.

#include <string>
#include <string_view>
#include <vector>

namespace tinyllm::learn {

// `output`: of g++ or clang++ without colours. `source`: the file as the compiler names it;
// `shown`: as we do. `contract`: the functions that the file must define,
// as object_symbols.h writes them. At most `max_errors` errors.
// Never empty: words that cannot be understood come as they are, cut.
std::string shorten_errors(std::string_view output, const std::string& source,
                           const std::string& shown, const std::vector<std::string>& contract,
                           int max_errors = 2);

}  // namespace tinyllm::learn
