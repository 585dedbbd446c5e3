#include "learn/ear.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <random>

#include "base/error.h"
#include "learn/learner_build.h"
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

std::vector<Guess> guesses_for(const Mutant& mutant, std::mt19937_64& random) {
  std::vector<Guess> guesses = {{mutant.sentence, true}};
  for (const std::string& lie : mutant.lies) guesses.push_back({lie, false});
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

}  // namespace

void run_ear(const SessionOptions& options, const EarOptions& ear) {
  Session session(options);
  std::vector<Mutant> bugs = read_mutants(session.paths, "ear");
  const auto clock_seed =
      static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  std::mt19937_64 random(ear.seed != 0 ? ear.seed : clock_seed);
  std::ranges::shuffle(bugs, random);
  const int rounds = std::min(ear.rounds, static_cast<int>(bugs.size()));
  say(
      fmt::format("Name that bug: {} rounds. Each time one operator of the model is broken.\n"
                  "Read what it says, then say which. Nobody gets all; q stops.\n",
                  rounds));
  EarScore score{today(), 0, 0};
  for (int round = 0; round < rounds; ++round) {
    const Mutant& bug = bugs[static_cast<std::size_t>(round)];
    const std::string prompt = kPrompts[random() % kPrompts.size()];
    say(fmt::format("\n{}  {}\n",
                    session.style.bold(fmt::format("Round {} of {}", round + 1, rounds)), prompt));
    const auto object = build_engine_file(session.paths, bug.engine_file,
                                          mutated_source(session.paths, bug), "ear-" + bug.id);
    const auto binary = link_binary(session.paths, {object}, {bug.engine_file}, "ear");
    const Voice voice = speak(
        binary, options.model, prompt, [](double) {}, SpokenText(session.style, "  | "));
    say("\n");
    if (voice.broken.empty() && voice.text.find_first_not_of(" \n") == std::string::npos) {
      say("  | (nothing but line breaks)\n");
    }
    if (!voice.broken.empty()) say(fmt::format("  ({})\n", voice.broken));
    const std::vector<Guess> guesses = guesses_for(bug, random);
    for (std::size_t i = 0; i < guesses.size(); ++i) {
      say(fmt::format("  {}  {}\n", i + 1,
                      wrap(guesses[i].text, session.style.width - 6, "     ")));
    }
    const int guess = read_guess(guesses.size());
    if (guess == 0) break;
    const bool right = guesses[static_cast<std::size_t>(guess - 1)].right;
    score.rounds += 1;
    score.right += right ? 1 : 0;
    const Day* day = session.course.find_day(bug.lesson);
    const std::string lesson =
        day == nullptr ? ""
        : day->has_lesson()
            ? fmt::format(" (day {}: ./tiny learn read {})", day->id, day->id)
            : fmt::format(" (day {}, {}: its lesson is not written yet)", day->id, day->title);
    say(fmt::format("{} {}{}\n", right ? session.style.green("Right.") : session.style.red("No:"),
                    wrap(bug.question, session.style.width - 6, "  "), session.style.dim(lesson)));
  }
  if (score.rounds == 0) return;
  session.progress.note_ear(score);
  session.progress.save();
  say(fmt::format("\n{} of {} right. Kept in your progress; play again when week 1 is done.\n",
                  score.right, score.rounds));
}

}  // namespace tinyllm::learn
