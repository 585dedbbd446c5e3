#pragma once
// The placeholder of a body that a learner still has to write.
// Light on purpose: every skeleton includes it.

namespace tinyllm {

// Throws Error{not_yet} whose message is `task_id`.
[[noreturn]] void lesson_todo(const char* task_id);

}  // namespace tinyllm

// Stands in a skeleton in the place of the engine's marked region; the learner replaces the line.
#define LESSON_TODO(task_id) ::tinyllm::lesson_todo(task_id)
