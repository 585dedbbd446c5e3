#pragma once
// One line of a batch in OpenAI's format: a request, and the line that answers it. Any thread.

#include <fmt/format.h>

#include <cstddef>
#include <exception>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "openai/api_request.h"

namespace tinyllm {

struct BatchLine {
  std::size_t number = 0;  // in the file, from 1
  std::string custom_id;   // "" when the line has none that can be used
  ApiRequest request;

  std::string id() const { return fmt::format("batch_req_{}", number); }
};

// Fills custom_id and request; custom_id as soon as it is known, so that an error further on
// carries it. Throws Error{invalid_input} that names the field.
void parse_batch_line(std::string_view text, BatchLine& line);

nlohmann::ordered_json result_line(const BatchLine& line, nlohmann::ordered_json response,
                                   nlohmann::ordered_json error);
// The server's answer to such a request, and the line and field for whoever looks for it.
nlohmann::ordered_json error_line(const BatchLine& line, const std::exception& fault);

}  // namespace tinyllm
