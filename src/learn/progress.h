#pragma once
// progress/state.json: what the learner has done. Fields and tasks that this version does not know
// are kept as they are; a broken file is moved aside. One thread; a file is replaced whole.

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "learn/check.h"

namespace tinyllm::learn {

struct EarScore {
  std::string date;  // "2026-01-31"
  int right = 0, rounds = 0;
};

class Progress {
 public:
  // Reads the file if there is one. A broken one is renamed to state.json.broken-N and
  // `take_warning()` says so; nothing of it is lost.
  explicit Progress(const CoursePaths& paths);
  ~Progress();

  std::string take_warning();  // of the readings since the last call; "" none

  // Reads the file again, as at first. Changes that were not saved are forgotten.
  void reload();

  // Throws Error{io} when the disk refuses; the old file is then still whole.
  void save() const;

  bool is_green(const std::string& task_id) const;
  std::string solved_on(const std::string& task_id) const;  // "" not yet
  int hints_shown(const std::string& task_id) const;
  bool saw_solution(const std::string& task_id) const;
  int n_checks(const std::string& task_id) const;
  std::string last_failure(const std::string& task_id) const;  // "values: wrong: eps_outside"
  // Work is what lies between two events of the course (a check, a hint, a page), when they are no
  // more than 20 minutes apart: a night is none.
  std::int64_t seconds_on(const std::string& task_id) const;
  std::int64_t seconds_on_day(const std::string& day_id) const;  // beside its tasks: reading
  std::int64_t minutes_stuck(const std::string& task_id) const;  // of it, since it last turned red
  bool was_read(const std::string& day_id) const;
  // Whether the last check saw exactly this text of the learner's file. Progress of a version that
  // did not keep it counts as such.
  bool was_checked_as(const std::string& task_id, const std::string& text) const;

  // `text`: of the file that was checked.
  void note_check(const Task& task, const CheckResult& result, const std::string& text);
  void note_read(const std::string& day_id);
  void note_hint(const std::string& task_id);
  void note_solution(const std::string& task_id);
  // `again`: takes the place of the score before it, of the same game.
  void note_ear(const EarScore& score, bool again);
  std::vector<EarScore> ear_scores() const;

  // Contract version of the learner's file of this task; 0: none was written yet.
  std::int64_t file_contract(const std::string& task_id) const;
  // `skeleton`: its text as it was written; "" when the learner's own file was found.
  void note_file(const std::string& task_id, std::int64_t contract, const std::string& skeleton);
  // Whether the file's text is still the skeleton that was written.
  bool is_untouched(const std::string& task_id, const std::string& text) const;
  std::int64_t course_version() const;  // 0: first call
  void note_course_version(std::int64_t version);
  // The day that `learn start` chose: the way begins there. "": at the beginning.
  std::string start_day() const;
  void note_start_day(const std::string& day_id);

 private:
  nlohmann::ordered_json& entry(const char* list, const std::string& id);
  nlohmann::ordered_json& task(const std::string& task_id) { return entry("tasks", task_id); }
  // Adds the time since the last event to the task or day it was spent on; begins a new one.
  std::int64_t note_event(const char* list, const std::string& id);

  CoursePaths paths_;
  std::filesystem::path path_;
  std::unique_ptr<nlohmann::ordered_json> root_;
  std::string warning_;
};

std::string today();  // "2026-01-31", local time

}  // namespace tinyllm::learn
