#include "learn/ear.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <random>
#include <span>

#include "base/error.h"
#include "learn/learner_build.h"
#include "learn/scratch_lock.h"
#include "learn/voice.h"

namespace tinyllm::learn {
namespace {

// Each is answered well by the smallest model, so that a broken answer stands out.
constexpr std::array kPrompts = {"Why is the sky blue?", "What is the capital of France?",
                                 "How do I boil an egg?"};

struct Guess {
  std::string text;
  bool right;
};

// The right one and two real bugs that sound like it or sit beside it, so that no choice can be
// told wrong by how it is written.
std::vector<Guess> guesses_for(const Mutant& mutant, const std::vector<Mutant>& bugs,
                               std::mt19937_64& random) {
  constexpr std::size_t kWrong = 2;
  std::vector<std::string> near = mutant.near;
  std::ranges::shuffle(near, random);
  std::vector<Guess> guesses = {{mutant.sentence, true}};
  for (std::size_t i = 0; i < std::min(near.size(), kWrong); ++i) {
    const auto bug = std::ranges::find(bugs, near[i], &Mutant::id);
    if (bug == bugs.end()) {
      fail(ErrorCode::invalid_input, "course/ear.toml: {} is near '{}', which is not a bug",
           mutant.id, near[i]);
    }
    guesses.push_back({bug->sentence, false});
  }
  std::ranges::shuffle(guesses, random);
  return guesses;
}

// 1 to n; 0: the learner wants to stop.
int read_guess(std::size_t n) {
  for (;;) {
    say("Which? ");
    std::string line;
    if (!std::getline(std::cin, line) || line == "q") return 0;
    const int guess = std::atoi(line.c_str());
    if (guess >= 1 && guess <= static_cast<int>(n)) return guess;
    say(fmt::format("a number from 1 to {}, or q to stop\n", n));
  }
}

class EarGame {
 public:
  EarGame(const SessionOptions& options, const EarOptions& ear)
      : session_(options), bugs_(read_ear(session_.paths)), random_(ear.seed) {
    std::ranges::shuffle(bugs_, random_);
    rounds_ = std::min(ear.rounds, static_cast<int>(bugs_.size()));
  }

  void play() {
    say(
        fmt::format("Name that bug: {} rounds. Each time one operator of the model is broken.\n"
                    "Read what it says, then say which. Nobody gets all; q stops.\n",
                    rounds_));
    for (const Mutant& bug : std::span(bugs_).first(rounds_)) {
      if (!play_round(bug)) break;
    }
    if (score_.rounds == 0) return;
    say(fmt::format("\n{} of {} right. Kept in your progress; play again when week 1 is done.\n",
                    score_.right, score_.rounds));
  }

 private:
  // False when the learner wants to stop.
  bool play_round(const Mutant& bug) {
    const std::string prompt = kPrompts[random_() % kPrompts.size()];
    const Style& style = session_.style;
    say(fmt::format("\n{}  {}\n",
                    style.bold(fmt::format("Round {} of {}", score_.rounds + 1, rounds_)), prompt));
    if (!let_speak(bug, prompt)) return false;
    const std::vector<Guess> guesses = guesses_for(bug, bugs_, random_);
    std::size_t right = 0;
    for (std::size_t i = 0; i < guesses.size(); ++i) {
      say(fmt::format("  {}  {}\n", i + 1, wrap(guesses[i].text, style.width - 6, "     ")));
      if (guesses[i].right) right = i + 1;
    }
    const int guess = read_guess(guesses.size());
    if (guess == 0) return false;
    const bool is_right = guess == static_cast<int>(right);
    say(fmt::format("{} {}\n{}\n",
                    is_right ? style.green("Right.") : style.red(fmt::format("No, {}.", right)),
                    wrap(bug.question, style.width - 8, "  "),
                    style.dim("  " + lesson_link(session_.course, bug))));
    // Kept after each round: whoever leaves in the middle has what was played.
    score_.rounds += 1;
    score_.right += is_right ? 1 : 0;
    session_.note([&](Progress& now) { now.note_ear(score_, score_.rounds > 1); });
    return true;
  }

  std::filesystem::path broken_model(const Mutant& bug) {
    const ScratchLock lock(session_.paths);
    const auto object = build_engine_file(session_.paths, bug.engine_file,
                                          mutated_source(session_.paths, bug), "ear-" + bug.id);
    return link_binary(session_.paths, {object}, {bug.engine_file}, "ear");
  }

  bool let_speak(const Mutant& bug, const std::string& prompt) {
    const auto binary = broken_model(bug);
    const Voice voice = speak(
        binary, session_.options.model, prompt, [](double) {}, SpokenText(session_.style, "  | "));
    say("\n");
    if (voice.interrupted) return false;
    if (!voice.broken.empty()) {
      say(fmt::format("  ({})\n", voice.broken));
    } else if (voice.text.find_first_not_of(" \n") == std::string::npos) {
      say("  | (nothing but line breaks)\n");
    }
    return true;
  }

  Session session_;
  std::vector<Mutant> bugs_;
  std::mt19937_64 random_;
  int rounds_ = 0;
  EarScore score_{today(), 0, 0};
};

}  // namespace

std::string lesson_link(const Course& course, const Mutant& bug) {
  const Day* day = course.find_day(bug.lesson);
  if (day == nullptr) return "";
  const bool is_taught = std::ranges::any_of(course.tasks, [&](const Task& task) {
    return task.day == day->id && task.engine_file == bug.engine_file;
  });
  if (!day->has_lesson() || !is_taught) {
    return fmt::format("(day {}, {}: its lesson is not written yet)", day->id, day->title);
  }
  return fmt::format("(day {}: ./tiny learn read {})", day->id, day->id);
}

void run_ear(const SessionOptions& options, const EarOptions& ear) {
  EarOptions seeded = ear;
  if (seeded.seed == 0) {
    seeded.seed =
        static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  }
  EarGame(options, seeded).play();
}

}  // namespace tinyllm::learn
