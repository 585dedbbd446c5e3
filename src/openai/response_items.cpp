#include "openai/response_items.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_values.h"
#include "base/quote.h"
#include "openai/api_error.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kMaxLimit = 100;

class ItemWriter {
 public:
  explicit ItemWriter(const std::string& response_id)
      : suffix_(response_id.substr(response_id.find('_') + 1)) {}

  void add(const json& message) {
    const std::string role = message["role"];
    const std::string content = message.value("content", "");
    if (role == "tool") {
      push("fco_", {{"type", "function_call_output"},
                    {"call_id", message.value("tool_call_id", "")},
                    {"output", content}});
      return;
    }
    if (message.contains("reasoning_content")) {
      const json part = {{"type", "reasoning_text"}, {"text", message["reasoning_content"]}};
      push("rs_",
           {{"type", "reasoning"}, {"summary", json::array()}, {"content", json::array({part})}});
    }
    if (!content.empty() || !message.contains("tool_calls")) add_text(role, content);
    for (const json& call : message.value("tool_calls", json::array())) add_call(call);
  }

  std::vector<json> take() { return std::move(items_); }

 private:
  void add_text(const std::string& role, const std::string& content) {
    json part = {{"type", role == "assistant" ? "output_text" : "input_text"}, {"text", content}};
    if (role == "assistant") part["annotations"] = json::array();
    push("msg_", {{"type", "message"}, {"role", role}, {"content", json::array({part})}});
  }

  void add_call(const json& call) {
    const json& arguments = call["function"]["arguments"];
    push("fc_", {{"type", "function_call"},
                 {"call_id", call.value("id", "")},
                 {"name", call["function"]["name"]},
                 {"arguments", arguments.is_string() ? arguments.get<std::string>()
                                                     : text_with_big_integers(arguments)}});
  }

  void push(const char* prefix, const json& item) {
    json whole = {{"id", fmt::format("{}in_{}_{}", prefix, suffix_, items_.size())}};
    whole.update(item);
    whole["status"] = "completed";
    items_.push_back(std::move(whole));
  }

  std::string suffix_;
  std::vector<json> items_;
};

}  // namespace

ItemPage read_item_page(std::string_view query) {
  ItemPage page;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string name(pair.substr(0, equals));
    const std::string value(pair.substr(std::min(equals + 1, pair.size())));
    if (name == "order") {
      if (value != "asc" && value != "desc") refuse_field(name, quote(value), "'asc' or 'desc'");
      page.ascending = value == "asc";
    } else if (name == "limit") {
      const auto [end, error] =
          std::from_chars(value.data(), value.data() + value.size(), page.limit);
      const bool is_number = error == std::errc() && end == value.data() + value.size();
      if (!is_number || page.limit < 1 || page.limit > kMaxLimit)
        refuse_field(name, quote(value), fmt::format("a whole number in [1, {}]", kMaxLimit));
    } else if (name == "after") {
      page.after = value;
    }
  }
  return page;
}

json input_items(const json& messages, std::size_t n_input, const std::string& response_id,
                 const ItemPage& page) {
  ItemWriter writer(response_id);
  for (std::size_t i = 0; i < std::min(n_input, messages.size()); ++i) writer.add(messages[i]);
  std::vector<json> items = writer.take();
  if (!page.ascending) std::ranges::reverse(items);
  if (!page.after.empty()) {
    const auto found =
        std::ranges::find(items, json(page.after), [](const json& it) { return it["id"]; });
    if (found == items.end())
      refuse_field("after", quote(page.after), "the id of one of the items");
    items.erase(items.begin(), found + 1);
  }
  const bool has_more = items.size() > page.limit;
  if (has_more) items.resize(page.limit);
  return {{"object", "list"},
          {"data", items},
          {"first_id", items.empty() ? json(nullptr) : items.front()["id"]},
          {"last_id", items.empty() ? json(nullptr) : items.back()["id"]},
          {"has_more", has_more}};
}

}  // namespace tinyllm
