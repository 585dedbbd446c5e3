#pragma once
// What a hub's refusal means for the user, as one line. Any thread.

#include <string>

#include "model_store/http_client.h"
#include "model_store/hub_pull.h"

namespace tinyllm {

// `what` was asked for, and the hub answered with this head and body. Throws Error{network |
// not_found} that says what to do.
[[noreturn]] void fail_status(const HubAccess& access, const std::string& what,
                              const HttpHead& head, const std::string& body);

}  // namespace tinyllm
