#include "agent/agent_loop.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

AgentCall call(const std::string& name, const std::string& arguments) {
  return {"id_" + name, name, arguments};
}

// A model that says given messages in turn, and what the loop made of them.
struct Stage {
  std::vector<ModelTurn> turns;
  std::vector<Approval> approvals = {};
  int interrupt_after_runs = -1;  // calls that run before somebody interrupts

  std::vector<json> messages = {};
  std::vector<bool> may_call = {};
  int n_runs = 0, n_asked = 0;
  ModelTurn last = {};

  void play(const AgentLimits& limits = {}) {
    ToolBox box;
    for (const char* name : {"count", "fail"}) {
      box.add({.name = name,
               .description = "",
               .parameters = R"({"type": "object"})",
               .call = [this, name](const json& arguments, function_ref<bool()>) {
                 ++n_runs;
                 if (std::string(name) == "fail") fail(ErrorCode::io, "the disk is full");
                 return ToolResult{arguments.dump()};
               }});
    }
    const auto ask = [&](bool may) {
      may_call.push_back(may);
      const std::size_t i = std::min(may_call.size() - 1, turns.size() - 1);
      return turns[i];
    };
    const auto append = [&](json message) { messages.push_back(std::move(message)); };
    const auto approve = [&](const AgentCall&) {
      const std::size_t i = n_asked++;
      return i < approvals.size() ? approvals[i] : Approval::run;
    };
    const auto on_result = [](const AgentCall&, const ToolResult&) {};
    const auto interrupted = [&] {
      return interrupt_after_runs >= 0 && n_runs >= interrupt_after_runs;
    };
    last = run_agent(box, {ask, append}, {approve, on_result, interrupted}, limits);
  }

  std::vector<std::string> results() const {
    std::vector<std::string> texts;
    for (const json& message : messages) {
      if (message["role"] == "tool") texts.push_back(message["content"]);
    }
    return texts;
  }

  // What every template needs: each call has its result, and an assistant has the last word.
  void check_whole() const {
    std::vector<std::string> open;
    for (const json& message : messages) {
      if (message["role"] == "tool") {
        ASSERT_FALSE(open.empty());
        EXPECT_EQ(message["tool_call_id"], open.front());
        open.erase(open.begin());
        continue;
      }
      ASSERT_EQ(message["role"], "assistant");
      ASSERT_TRUE(open.empty());
      for (const json& one : message.value("tool_calls", json::array())) open.push_back(one["id"]);
    }
    EXPECT_TRUE(open.empty());
    ASSERT_FALSE(messages.empty());
    EXPECT_EQ(messages.back()["role"], "assistant");
    EXPECT_FALSE(messages.back().contains("tool_calls"));
  }
};

ModelTurn calls(std::vector<AgentCall> all, std::string text = "") {
  return {std::move(text), std::move(all), FinishReason::stop};
}
ModelTurn answer(std::string text) { return {std::move(text), {}, FinishReason::stop}; }

TEST(AgentLoop, CallsResultsAndAnAnswer) {
  Stage stage{{calls({call("count", R"({"n": 1})"), call("count", R"({"n": 2})")}, "I count."),
               calls({call("fail", "{}")}), answer("Done.")}};
  stage.play();
  stage.check_whole();
  EXPECT_EQ(stage.last.text, "Done.");
  EXPECT_EQ(stage.results(),
            (std::vector<std::string>{R"({"n":1})", R"({"n":2})", "error: the disk is full"}));
  EXPECT_EQ(stage.messages[0]["content"], "I count.");
  EXPECT_EQ(stage.messages[0]["tool_calls"][0]["function"]["arguments"], (json{{"n", 1}}));
  EXPECT_EQ(stage.may_call, (std::vector<bool>{true, true, true}));
}

TEST(AgentLoop, WhatCannotBeCalledIsToldAndNobodyIsAsked) {
  Stage stage{{calls({call("exec", "{}"), call("count", "not json")}), answer("Sorry.")}};
  stage.play();
  stage.check_whole();
  EXPECT_EQ(stage.n_asked, 1);
  EXPECT_EQ(stage.n_runs, 0);
  EXPECT_EQ(stage.results()[0], "error: there is no tool 'exec'; there are count, fail");
  EXPECT_EQ(stage.results()[1], "error: the arguments of count must be a JSON object");
}

TEST(AgentLoop, ARefusedCallDoesNotRunAndTheLoopGoesOn) {
  Stage stage{{calls({call("count", "{}"), call("fail", "{}")}), answer("Well.")},
              {Approval::refuse, Approval::run}};
  stage.play();
  stage.check_whole();
  EXPECT_EQ(stage.n_runs, 1);
  EXPECT_EQ(stage.results()[0], "error: the user does not allow this call");
  EXPECT_EQ(stage.last.text, "Well.");

  Stage too_long{{calls({call("count", "{}"), call("fail", "{}")}), answer("Well.")},
                 {Approval::too_long, Approval::run}};
  too_long.play();
  too_long.check_whole();
  EXPECT_EQ(too_long.n_runs, 1);
  EXPECT_EQ(too_long.results()[0],
            "error: the arguments have 2 bytes, too many to ask the user about them");
}

TEST(AgentLoop, WhoStopsKeepsWhatWasDone) {
  Stage at_question{{calls({call("count", "{}"), call("fail", "{}")}), answer("Never.")},
                    {Approval::run, Approval::stop}};
  at_question.play();
  at_question.check_whole();
  EXPECT_EQ(at_question.n_runs, 1);
  EXPECT_EQ(at_question.results(),
            (std::vector<std::string>{"{}", "error: the user stopped this call"}));
  EXPECT_EQ(at_question.last.finish_reason, FinishReason::cancelled);

  Stage in_call{{calls({call("count", "{}"), call("fail", "{}")}), answer("Never.")}};
  in_call.interrupt_after_runs = 1;
  in_call.play();
  in_call.check_whole();
  EXPECT_EQ(in_call.n_runs, 1);
  EXPECT_EQ(in_call.may_call.size(), 1u);

  Stage in_text{{calls({call("count", "{}")}), {"Half an ans", {}, FinishReason::cancelled}}};
  in_text.play();
  in_text.check_whole();
  EXPECT_EQ(in_text.messages.back()["content"], "Half an ans");

  Stage before_all{{{"", {call("count", "{}")}, FinishReason::cancelled}}};
  before_all.play();
  EXPECT_TRUE(before_all.messages.empty());
}

TEST(AgentLoop, ACallThatWasJustMadeIsNotMadeAgain) {
  const ModelTurn again = calls({call("count", "{ }")});
  Stage stage{{calls({call("count", "{}")}), again, answer("Nine.")}};
  stage.play();
  stage.check_whole();
  EXPECT_EQ(stage.n_runs, 1);
  EXPECT_EQ(stage.n_asked, 1);
  EXPECT_EQ(stage.may_call, (std::vector<bool>{true, true, false}));
  EXPECT_EQ(stage.last.text, "Nine.");

  // What was called before something else may have another result now.
  Stage back{{again, calls({call("fail", "{}")}), again, answer("Nine.")}};
  back.play();
  EXPECT_EQ(back.n_runs, 3);
}

TEST(AgentLoop, NothingIsNoAnswerToResults) {
  Stage stage{{calls({call("count", "{}")}), answer("\n"), answer("Nine.")}};
  stage.play();
  stage.check_whole();
  EXPECT_EQ(stage.may_call, (std::vector<bool>{true, true, false}));
  EXPECT_EQ(stage.last.text, "Nine.");
  Stage silent{{answer("")}};
  silent.play();
  EXPECT_EQ(silent.may_call.size(), 1u);
}

TEST(AgentLoop, RoundsAreBounded) {
  std::vector<ModelTurn> turns;
  for (int i = 0; i < 20; ++i)
    turns.push_back(calls({call("count", "{\"n\":" + std::to_string(i) + "}")}, "more"));
  Stage stage{turns};
  stage.play({.max_rounds = 3});
  stage.check_whole();
  EXPECT_EQ(stage.n_runs, 3);
  EXPECT_EQ(stage.may_call, (std::vector<bool>{true, true, true, false}));
  EXPECT_EQ(stage.last.text, "more");
}

}  // namespace
}  // namespace tinyllm
