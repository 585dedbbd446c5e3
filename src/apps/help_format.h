#pragma once
// How --help looks: at most 80 columns, options in the groups that the commands gave them, no
// ranges (the error message names those).

#include <memory>

namespace CLI {
class FormatterBase;
}

namespace tinyllm {

std::shared_ptr<CLI::FormatterBase> make_help_format();

}  // namespace tinyllm
