#pragma once
// The messages of a kept conversation as the items of /v1/responses. Any thread.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace tinyllm {

// Which items of a list are asked for: by the query of GET /v1/responses/ID/input_items.
struct ItemPage {
  bool ascending = false;
  std::size_t limit = 20;
  std::string after = {};  // an item's id; "": from the beginning
};

// "order=asc&limit=3&after=msg_1". Throws ApiError{400} that names the parameter.
ItemPage read_item_page(std::string_view query);

// The list of the items that `messages` [n_input of them] make. Their ids come from the response's,
// and are always the same.
nlohmann::ordered_json input_items(const nlohmann::ordered_json& messages, std::size_t n_input,
                                   const std::string& response_id, const ItemPage& page);

}  // namespace tinyllm
