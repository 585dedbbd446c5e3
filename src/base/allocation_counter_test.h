#pragma once
// How often the test program has asked the heap for memory: every operator new of every thread
// is counted. Lets a test prove that work allocates nothing once it is warm. Files that use it are
// named x_allocation_test.cpp: the ThreadSanitizer build leaves them out (cmake/Programs.cmake).

#include <cstdint>

namespace tinyllm {

std::int64_t n_allocations();

}  // namespace tinyllm
