#include "sampling/select_by_mass.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/check.h"

namespace tinyllm {
namespace {

constexpr std::size_t kSmall = 32;   // sorting that many is quicker than partitioning them
constexpr std::size_t kMany = 4096;  // from here on a table of buckets pays

// Buckets of equal leading bits of the mass, 64 an octave, likelier tokens first. A smaller logit
// never has the larger mass, so the buckets follow the order too.
constexpr int kBucketBits = 6;
constexpr std::size_t kBuckets = (std::bit_width(kFullMass) << kBucketBits) + 1;

std::size_t bucket_of(const Candidate& candidate) {
  constexpr int kDropped = 52 - kBucketBits;  // of a double's fraction
  const auto leading_bits = [](std::uint64_t mass) {
    return std::bit_cast<std::uint64_t>(static_cast<double>(static_cast<std::int64_t>(mass))) >>
           kDropped;
  };
  return leading_bits(kFullMass) - leading_bits(candidate.mass);
}

// The part of the candidates in which the cut lies: [first, last), with `target` still to be
// reached in it. All before `first` stay.
struct Search {
  std::size_t first, last;
  std::uint64_t target;
};

// One pass adds up the buckets, one drops all behind the
// bucket of the cut, one moves that bucket behind the kept.
Search narrow_to_bucket(std::span<Candidate> candidates, std::uint64_t target) {
  std::array<std::uint64_t, kBuckets> masses{};
  for (const Candidate& candidate : candidates) masses[bucket_of(candidate)] += candidate.mass;
  std::size_t cut = 0;
  for (; cut < kBuckets && masses[cut] < target; ++cut) target -= masses[cut];
  CHECK(cut < kBuckets, "the target is {} above the whole mass", target);
  std::size_t n = 0;
  for (const Candidate& candidate : candidates) {
    const bool stays = bucket_of(candidate) <= cut;
    candidates[n] = candidate;
    n += stays;
  }
  const auto in_front = [&](const Candidate& candidate) { return bucket_of(candidate) < cut; };
  const auto end = candidates.begin() + static_cast<std::ptrdiff_t>(n);
  const auto middle = std::partition(candidates.begin(), end, in_front);
  return {static_cast<std::size_t>(middle - candidates.begin()), n, target};
}

Candidate median(Candidate a, Candidate b, const Candidate& c) {
  if (comes_before(b, a)) std::swap(a, b);
  return comes_before(c, a) ? a : comes_before(c, b) ? c : b;
}

// Median of three medians of three, spread over the range.
Candidate choose_pivot(std::span<const Candidate> range) {
  const std::size_t step = (range.size() - 1) / 8;
  const auto of_three = [&](std::size_t i) {
    return median(range[i * step], range[(i + 3) * step], range[(i + 6) * step]);
  };
  return median(of_three(0), of_three(1), of_three(2));
}

// Those that stand before `pivot` to the front. Swaps always and counts by arithmetic: which side
// a candidate belongs to cannot be predicted, so a branch would cost more than the swap.
void move_to_front(std::span<Candidate> range, const Candidate& pivot, std::size_t& n_front,
                   std::uint64_t& front_mass) {
  for (Candidate& slot : range) {
    const Candidate candidate = slot;
    const bool in_front = comes_before(candidate, pivot);
    slot = range[n_front];
    range[n_front] = candidate;
    n_front += in_front;
    front_mass += candidate.mass & (std::uint64_t{0} - in_front);
  }
}

}  // namespace

std::size_t select_by_mass(std::span<Candidate> candidates, std::uint64_t target) {
  Search search = {0, candidates.size(), target};
  if (candidates.size() >= kMany) search = narrow_to_bucket(candidates, target);
  auto& [first, last, wanted] = search;
  // Halving needs 24 rounds at most; unlucky pivots end in a sort instead of a square.
  for (int round = 0; round < 64 && last - first > kSmall; ++round) {
    const std::span<Candidate> range = candidates.subspan(first, last - first);
    std::size_t n_front = 0;
    std::uint64_t front_mass = 0;
    move_to_front(range, choose_pivot(range), n_front, front_mass);
    if (front_mass >= wanted) {
      last = first + n_front;
    } else {
      first += n_front;
      wanted -= front_mass;
    }
  }
  const std::span<Candidate> rest = candidates.subspan(first, last - first);
  std::sort(rest.begin(), rest.end(), comes_before);
  std::size_t n = first;
  for (const Candidate& candidate : rest) {
    ++n;
    if (candidate.mass >= wanted) break;
    wanted -= candidate.mass;
  }
  return n;
}

}  // namespace tinyllm
