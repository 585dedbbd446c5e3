#pragma once
// Texts in web pages: tags taken away, characters quoted for addresses. Bytes that came from a user's
// string stay marked. Render thread.

#include "text/jinja/runtime.h"

namespace tinyllm::jinja {

// As markupsafe's striptags: comments and tags go, runs of white space become one space, and the
// entities &amp; &lt; &gt; &quot; &apos; &nbsp; and those with a number become characters.
MarkedText strip_tags(Runtime& runtime, const MarkedText& text);

// As urllib's quote: all but letters, digits and _.-~/ as %XX. In a query / is quoted too and a
// space is +.
void append_url_quoted(TextBuilder& out, const MarkedText& text, bool is_query);

}  // namespace tinyllm::jinja
