#pragma once
// The way through the course as a list: one line per task, and marks at days without a lesson.
// Any thread.

#include <string>

#include "learn/session.h"

namespace tinyllm::learn {

std::string list_text(const Session& session);

}  // namespace tinyllm::learn
