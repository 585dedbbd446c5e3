#include "server/tool_rounds.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_values.h"
#include "base/quote.h"
#include "base/random_id.h"
#include "openai/api_error.h"
#include "openai/field_value.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr const char* kRepeats = "this call repeats the one before, and was not run";
constexpr const char* kLeftOut = "(left out: the context is full)";

std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

AgentCall agent_call(const AnswerCall& call) { return {call.id, call.name, call.arguments}; }

// A message as the model's template gets it, where arguments are objects.
json for_prompt(json message) {
  if (!message.contains("tool_calls")) return message;
  for (json& call : message["tool_calls"]) {
    json& arguments = call["function"]["arguments"];
    arguments = arguments_of({"", "", arguments.get<std::string>()});
  }
  return message;
}

json shown_message(const AnswerChoice& whole, const std::vector<AgentCall>& calls) {
  json message = {{"role", "assistant"}, {"content", whole.text}};
  if (!whole.reasoning.empty()) message["reasoning_content"] = whole.reasoning;
  for (const AgentCall& call : calls) {
    message["tool_calls"].push_back(
        {{"id", call.id},
         {"type", "function"},
         {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  }
  return message;
}

// What had to be called was called.
void forget_forced_call(ApiRequest& request) {
  request.tool_choice.reset();
  request.named_tool.clear();
}

std::string string_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

ToolRounds::ToolRounds(ServerTools& tools, const ServedModel& model, ApiRequest request,
                       std::string owner, std::size_t n_request_bytes)
    : tools_(tools),
      request_(std::move(request)),
      owner_(std::move(owner)),
      earlier_(std::make_shared<EarlierRounds>()),
      messages_(share_json(*request_.messages)),
      rounds_(/*has_tools=*/request_.tools != nullptr, AgentLimits().max_rounds),
      max_result_bytes_(max_result_bytes(model.max_model_len())),
      n_request_bytes_(n_request_bytes) {
  earlier_->answer_id = "chatcmpl-" + random_id();
  earlier_->created = unix_seconds();
  earlier_->messages = share_json(json::array());
  request_.messages = messages_;
  request_.rounds = earlier_;
  find_open_calls();
}

// Those of the last message of the assistant, behind which stand results only.
void ToolRounds::find_open_calls() {
  std::size_t last = messages_->size();
  while (last > 0 && (*messages_)[last - 1]["role"] == "tool") --last;
  if (last > 0 && (*messages_)[last - 1].contains("tool_calls")) {
    const json& calls = (*messages_)[last - 1]["tool_calls"];
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const std::string id = string_in(calls[i], "id");
      const auto answers = [&](const json& it) { return string_in(it, "tool_call_id") == id; };
      const auto results = messages_->begin() + static_cast<std::ptrdiff_t>(last);
      if (!std::any_of(results, messages_->end(), answers))
        open_call(calls[i], fmt::format("messages[{}].tool_calls[{}]", last - 1, i));
    }
  }
  if (!request_.approvals.empty())
    throw ApiError(400, "invalid_value", "tool_approvals",
                   "tool_approvals holds an id that approves no call at the end of the messages: "
                   "each holds once, for the call that it was given with");
  first_result_ = messages_->size();
  earlier_->n_calls = static_cast<int>(calls_.size());
  if (calls_.empty()) return;
  std::vector<AgentCall> open;
  for (const Call& it : calls_) open.push_back(it.call);
  rounds_.begin_with(std::move(open));
}

void ToolRounds::open_call(const json& call, const std::string& path) {
  if (std::ssize(calls_) >= kMaxCalls) {
    throw ApiError(
        400, "invalid_value", path,
        fmt::format("{} is one of more than {} calls without a result", path, kMaxCalls));
  }
  const json& function = call["function"];
  const json& arguments = function["arguments"];
  const AgentCall found = {
      string_in(call, "id"), function["name"].get<std::string>(),
      arguments.is_string() ? arguments.get<std::string>() : text_with_big_integers(arguments)};
  const int place = static_cast<int>(calls_.size());
  const std::string approval = tools_.approvals().find(owner_, found, request_.approvals);
  if (!approval.empty()) {
    request_.approvals.erase(std::ranges::find(request_.approvals, approval));
    used_approvals_.push_back(approval);
  } else if (!request_.server_names->unasked.contains(found.name)) {
    throw ApiError(400, "invalid_value", path,
                   fmt::format("{}, of {}, has no result in the messages and no approval", path,
                               quote(found.name)));
  }
  calls_.push_back({found, place});
}

ApiRequest ToolRounds::first_request() const {
  if (calls_.empty()) return request_;
  ApiRequest request = request_;
  const auto messages = share_json(*messages_);
  for (const Call& it : calls_) messages->push_back(result_message(it.call, {kLeftOut}));
  request.messages = messages;
  forget_forced_call(request);
  return request;
}

void ToolRounds::take_approvals() {
  if (tools_.approvals().take(owner_, used_approvals_)) return;
  throw ApiError(400, "invalid_value", "tool_approvals", "an approval was used already");
}

void ToolRounds::append(json shown) {
  earlier_->n_bytes += text_with_big_integers(shown).size();
  messages_->push_back(for_prompt(shown));
  earlier_->messages->push_back(std::move(shown));
}

ToolRounds::Next ToolRounds::take_message(ApiAnswer& answer) {
  const AnswerChoice& whole = answer.text(0).whole;
  earlier_->n_calls = answer.text(0).n_places;
  ModelTurn turn = {.text = whole.text, .calls = {}, .finish_reason = whole.finish_reason};
  std::vector<AgentCall> here;
  for (const AnswerCall& call : whole.calls) {
    turn.calls.push_back(agent_call(call));
    if (call.runs_here) here.push_back(turn.calls.back());
  }
  switch (rounds_.after(turn)) {
    case AgentRounds::Next::answer: return Next::finish;
    case AgentRounds::Next::ask_for_answer: drop_calls(whole); break;
    case AgentRounds::Next::run_calls:
      if (here.empty()) {
        leave_calls(answer);
        return Next::finish;
      }
      append(shown_message(whole, here));
      first_result_ = messages_->size();
      queue_calls(whole);
  }
  if (!calls_.empty()) return Next::run_call;
  ask_next(&answer);
  return Next::ask;
}

void ToolRounds::queue_calls(const AnswerChoice& whole) {
  for (const AnswerCall& call : whole.calls) {
    if (!call.runs_here) continue;
    Call& it = calls_.emplace_back(Call{agent_call(call), call.place});
    if (!request_.server_names->unasked.contains(call.name))
      it.why_not = fmt::format("there is no tool {}", quote(call.name));
  }
}

// A client that gets the stream has seen them, but for those that would be left to it.
void ToolRounds::drop_calls(const AnswerChoice& whole) {
  for (const AnswerCall& call : whole.calls) {
    if (!call.runs_here) continue;
    calls_.push_back(
        {.call = agent_call(call), .place = call.place, .why_not = kRepeats, .is_dropped = true});
  }
}

void ToolRounds::run_call(std::function<void(ToolResult)> done) {
  call_began_ = Clock::now();
  std::string why_not = calls_.front().why_not;
  if (why_not.empty() && ++n_calls_ > kMaxCalls)
    why_not = fmt::format("no more than {} calls run for one answer", kMaxCalls);
  if (!why_not.empty()) return done({std::move(why_not), true});
  tools_.threads().run({.call = next_call(),
                        .max_result_bytes = max_result_bytes_,
                        .deadline = call_began_ + time_left_,
                        .is_unwanted = is_stopped_,
                        .done = std::move(done)});
}

ToolRounds::Next ToolRounds::take_result(const ToolResult& result, ApiAnswer* answer) {
  time_left_ -= std::min(time_left_, Clock::now() - call_began_);
  const bool is_dropped = next_is_dropped();
  if (!is_dropped) append(result_message(next_call(), result));
  calls_.pop_front();
  if (!calls_.empty()) return Next::run_call;
  if (answer != nullptr && !is_dropped) {
    const std::vector<AnswerCall>& calls = answer->text(0).whole.calls;
    if (std::ranges::any_of(calls, [](const AnswerCall& it) { return !it.runs_here; })) {
      AnswerChoice& whole = answer->whole(0);
      whole.text.clear(), whole.reasoning.clear();  // they stand in the messages
      leave_calls(*answer);
      return Next::finish;
    }
  }
  ask_next(answer);
  return Next::ask;
}

// The answer ends with calls that the client runs, or approves.
void ToolRounds::leave_calls(ApiAnswer& answer) {
  std::vector<AnswerCall>& calls = answer.whole(0).calls;
  std::erase_if(calls, [](const AnswerCall& call) { return call.runs_here; });
  int n_places = 0;
  for (AnswerCall& call : calls) {
    call.place = n_places++;
    if (request_.server_names->all.contains(call.name))
      call.approval_id = tools_.approvals().ask(owner_, agent_call(call));
  }
}

void ToolRounds::ask_next(const ApiAnswer* answer) {
  if (answer != nullptr) earlier_->usage = answer->usage();  // with what was before
  request_.has_left = is_stopped_;
  forget_forced_call(request_);
  if (rounds_.may_call()) return;
  request_.tools.reset();
  request_.tool_types.reset();
  const auto prompt = share_json(*messages_);
  prompt->push_back(answer_request());  // in this one prompt only
  request_.messages = prompt;
}

bool ToolRounds::shorten() {
  if (is_shortened_ || first_result_ >= messages_->size()) return false;
  is_shortened_ = true;
  for (std::size_t i = first_result_; i < messages_->size(); ++i)
    (*messages_)[i]["content"] = kLeftOut;
  rounds_.end_calls();
  ask_next(nullptr);
  return true;
}

}  // namespace tinyllm
