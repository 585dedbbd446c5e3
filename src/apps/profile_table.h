#pragma once
// A StepProfile in words (--profile). Main thread only, after the engine is gone.

#include <memory>
#include <string>
#include <utility>

#include "api/step_profile.h"

namespace tinyllm {

// A table for each kind of step that ran: milliseconds a step, share, and where it makes sense GB/s
// or GOPS.
std::string profile_table(const StepProfile& profile);

// The same as the text of a JSON object: {kind: {"steps", "tokens", "ms_a_step", "parts": {name:
// {"ms_a_step", "share", "gb_s", "gops"}}}}.
std::string profile_json(const StepProfile& profile);

// Shows a profile's table on stderr when it goes. The engine that writes to the profile must be
// gone by then: it is made after this.
class ProfileReport {
 public:
  // null: shows nothing
  explicit ProfileReport(std::shared_ptr<const StepProfile> profile)
      : profile_(std::move(profile)) {}
  ~ProfileReport();
  ProfileReport(const ProfileReport&) = delete;
  ProfileReport& operator=(const ProfileReport&) = delete;

 private:
  std::shared_ptr<const StepProfile> profile_;
};

}  // namespace tinyllm
