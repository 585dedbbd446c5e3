#include "base/lesson.h"

#include "base/error.h"

namespace tinyllm {

void lesson_todo(const char* task_id) { throw Error(ErrorCode::not_yet, task_id); }

}  // namespace tinyllm
