#pragma once
// Template source -> tree, with Jinja2's grammar and precedence. Unknown tags are found here,
// before anything runs, and so are unknown filters and tests outside of branches. Any thread.
//
// Not supported: recursive loops; block, extends, include, import, autoescape, do; the functions
// lipsum, cycler, joiner; the filters filesizeformat, pprint, random, striptags, urlencode, urlize,
// wordwrap, xmlattr; a few methods of str (is_unsupported_method).

#include <string_view>

#include "text/jinja/ast.h"

namespace tinyllm::jinja {

// Throws Error{invalid_input} for what Jinja2 refuses too and Error{unsupported} for what only we
// refuse: "chat template, line 3, column 8: ...".
Body parse_template(std::string_view source);

}  // namespace tinyllm::jinja
