#pragma once
// Whose turn it is when more sequences wait than run.

namespace tinyllm {

// By arrival, or by Request::priority within bounds (schedule/scheduler.h).
enum class SchedulePolicy { first_come_first_served, priority };

}  // namespace tinyllm
