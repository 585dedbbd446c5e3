#pragma once
// What time it is, which a model cannot know. Any thread.

#include "agent/tool.h"

namespace tinyllm {

Tool make_date_time();

}  // namespace tinyllm
