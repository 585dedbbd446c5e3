#pragma once
// The way through the course as a list: a line a task, days without a lesson marked so. Any thread.

#include <string>

#include "learn/session.h"

namespace tinyllm::learn {

std::string list_text(const Session& session);

}  // namespace tinyllm::learn
