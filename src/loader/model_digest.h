#pragma once
// What a model is, in one number: its weights to the last bit and every number that its computation
// reads. The same model in another container has another digest. Not for people who make collisions
// on purpose. Any thread.

#include <string>

#include "base/thread_pool.h"
#include "loader/checkpoint.h"

namespace tinyllm {

// 32 hexadecimal digits. Reads all weights.
std::string model_digest(const Checkpoint& checkpoint, ThreadPool& pool);

}  // namespace tinyllm
