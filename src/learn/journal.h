#pragma once
// What is written down: one page per session, the tracker, and one JSON for a tutor. The tool fills
// its own cells and lines and leaves everything that a person wrote. Main thread only.

#include <filesystem>
#include <string>
#include <vector>

#include "learn/day_page.h"
#include "learn/session.h"

namespace tinyllm::learn {

// sessions/weekN/DATE-day-ID.md from SESSION-TEMPLATE.md; the one of today is used again.
std::filesystem::path open_session_page(const Session& session, const Day& day);

// Fills the page's generated part: what was checked, what is green, which hints were shown.
// `answers`: to the day's questions; they come behind those that the page holds already, and what was
// answered to questions that the day does not ask any more stays.
void close_session_page(const Session& session, const Day& day, const std::filesystem::path& page,
                        const std::vector<PageQuestion>& questions,
                        const std::vector<std::string>& answers);

// Writes status and hours into the rows of progress/my-tracker.md, and its block of totals.
void update_tracker(const Session& session);

// What `learn progress` shows.
std::string progress_text(const Session& session);

// For a tutor that asks the next question instead of guessing: task, last failure, hints, minutes.
std::string context_json(const Session& session);

}  // namespace tinyllm::learn
