#include "server/tool_threads.h"

#include <fmt/core.h>
#include <pthread.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.h"

namespace tinyllm {

ToolThreads::ToolThreads(const ToolBox& box) : box_(box) {
  lanes_.try_emplace("");  // also for names that no tool has
  for (const Tool& tool : box.tools()) lanes_.try_emplace(tool.server);
  try {
    for (auto& [server, lane] : lanes_) {
      lane.thread = std::thread([this, &lane = lane] { work(lane); });
      pthread_setname_np(lane.thread.native_handle(), "tools");  // for top -H
    }
  } catch (...) {  // the system gives no more threads: those that run must end first
    stop();
    throw;
  }
}

void ToolThreads::run(ToolJob job) {
  const Tool* tool = box_.find(job.call.name);
  Lane& lane = lanes_.find(tool == nullptr ? "" : tool->server)->second;
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) return;
    if (lane.jobs.size() < kMaxWaiting) {
      lane.jobs.push_back(std::move(job));
      lane.changed.notify_one();
      return;
    }
  }
  job.done({fmt::format("{} calls wait for this server already", kMaxWaiting), true});
}

void ToolThreads::work(Lane& lane) {
  while (true) {
    ToolJob job;
    {
      std::unique_lock lock(mutex_);
      lane.changed.wait(lock, [&] { return stopping_ || !lane.jobs.empty(); });
      if (stopping_) return;
      job = std::move(lane.jobs.front());
      lane.jobs.pop_front();
    }
    if (*job.is_unwanted) continue;
    try {
      ToolResult result = result_of(job);
      if (!*job.is_unwanted && !stopping_) job.done(std::move(result));
    } catch (const std::exception& error) {  // no memory, even for saying so
      log(LogLevel::error, "a call of a tool was dropped: {}", error.what());
    }
  }
}

ToolResult ToolThreads::result_of(const ToolJob& job) const {
  const auto is_late = [&] { return std::chrono::steady_clock::now() >= job.deadline; };
  const auto interrupted = [&] { return *job.is_unwanted || stopping_ || is_late(); };
  ToolResult result;
  if (!is_late())
    result = box_.run(job.call.name, arguments_of(job.call), job.max_result_bytes, interrupted);
  if (is_late()) return {"there was no time left for this call, which was given up", true};
  return result;
}

void ToolThreads::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  for (auto& [server, lane] : lanes_) lane.changed.notify_all();
  for (auto& [server, lane] : lanes_) {
    if (lane.thread.joinable()) lane.thread.join();
  }
  for (auto& [server, lane] : lanes_) lane.jobs.clear();
}

}  // namespace tinyllm
